"""A task waits for an event that nobody holds any more: nothing can wake it.

The threshold is lowered to 0.7 s for this sample. Expect one `stuck-task` at the wait.
"""

# options: {"thresholds": {"stuckTaskMs": 700}}
import trio


async def wait_for_news():
    event = trio.Event()
    await event.wait()  # @waits


async def main():
    with trio.move_on_after(2.5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(wait_for_news, name="news")


trio.run(main)
