"""A task catches the cancellation of its scope once and goes on in a shielded scope: the scope is not over when it should be.

Expect one `swallowed-cancellation` for the task `poller`, with the place where it goes on and the one that cancelled it.
"""

import anyio


async def poll():
    try:
        await anyio.sleep(5)
    except anyio.get_cancelled_exc_class():
        print("poller: not now")
    with anyio.CancelScope(shield=True):
        for _ in range(8):
            await anyio.sleep(0.3)  # @went-on


async def main():
    async with anyio.create_task_group() as group:
        group.start_soon(poll, name="poller")
        await anyio.sleep(0.1)
        group.cancel_scope.cancel()  # @cancelled


anyio.run(main)
