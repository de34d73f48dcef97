"""A task waits for an event that nobody holds any more: nothing can wake it.

The threshold is lowered to 0.7 s for this sample. Expect one `stuck-task` at the wait.
"""

# options: {"thresholds": {"stuckTaskMs": 700}}
import anyio


async def wait_for_news():
    event = anyio.Event()
    await event.wait()  # @waits


async def main():
    with anyio.move_on_after(2.5):
        async with anyio.create_task_group() as group:
            group.start_soon(wait_for_news, name="news")


anyio.run(main)
