"""The task cleans up, shielded and bounded, and lets the cancellation go on. Expect nothing."""

import anyio


async def poll():
    try:
        await anyio.sleep(5)
    finally:
        with anyio.move_on_after(1, shield=True):
            await anyio.sleep(0.2)


async def main():
    async with anyio.create_task_group() as group:
        group.start_soon(poll, name="poller")
        await anyio.sleep(0.1)
        group.cancel_scope.cancel()
    await anyio.sleep(1.2)


anyio.run(main)
