"""The wait is as long, but a living task holds the event and will set it. Expect nothing."""

# options: {"thresholds": {"stuckTaskMs": 700}}
import trio


async def wait_for_news(event):
    await event.wait()


async def publish(event):
    await trio.sleep(2)
    event.set()


async def main():
    event = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(wait_for_news, event, name="news")
        nursery.start_soon(publish, event, name="publisher")


trio.run(main)
