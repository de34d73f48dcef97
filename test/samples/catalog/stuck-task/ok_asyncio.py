"""The wait is as long, but a living task holds the event and will set it. Expect nothing."""

# options: {"thresholds": {"stuckTaskMs": 700}}
import asyncio


async def wait_for_news(event):
    await event.wait()


async def publish(event):
    await asyncio.sleep(2)
    event.set()


async def main():
    event = asyncio.Event()
    await asyncio.gather(wait_for_news(event), publish(event))


asyncio.run(main())
