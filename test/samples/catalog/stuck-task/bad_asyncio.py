"""A task waits for an event that nobody holds any more: nothing can wake it.

The threshold is lowered to 0.7 s for this sample. Expect one `stuck-task` at the wait.
"""

# options: {"thresholds": {"stuckTaskMs": 700}}
import asyncio


async def wait_for_news():
    event = asyncio.Event()
    await event.wait()  # @waits


async def main():
    task = asyncio.ensure_future(wait_for_news())
    await asyncio.sleep(2.5)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


asyncio.run(main())
