"""The wait is as long, but a living task holds the event and will set it. Expect nothing."""

# options: {"thresholds": {"stuckTaskMs": 700}}
import anyio


async def wait_for_news(event):
    await event.wait()


async def publish(event):
    await anyio.sleep(2)
    event.set()


async def main():
    event = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(wait_for_news, event, name="news")
        group.start_soon(publish, event, name="publisher")


anyio.run(main)
