"""A cancelled scope holds a task that catches the cancellation and waits again: anyio delivers it anew on every turn of the loop.

The loop burns a core for a second. Expect one `cancel-spin` with the place of the scope; that the task swallows is its cause.
"""

# also: swallowed-cancellation
import anyio


async def stubborn(stop):
    while anyio.current_time() < stop:
        try:
            await anyio.sleep(1)
        except BaseException:  # the mistake: this swallows the cancellation
            pass


async def main():
    async with anyio.create_task_group() as group:  # @entered
        group.start_soon(stubborn, anyio.current_time() + 2.0, name="stubborn")
        await anyio.sleep(0.2)
        group.cancel_scope.cancel()


anyio.run(main)
