"""The task cleans up, shielded and bounded, and lets the cancellation go on. Expect nothing."""

import anyio


async def polite():
    try:
        await anyio.sleep(10)
    finally:
        with anyio.move_on_after(0.3, shield=True):
            await anyio.sleep(0.2)


async def main():
    async with anyio.create_task_group() as group:
        group.start_soon(polite, name="polite")
        await anyio.sleep(0.2)
        group.cancel_scope.cancel()


anyio.run(main)
