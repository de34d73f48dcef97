"""The task cleans up, shielded and bounded, and lets the cancellation go on. Expect nothing."""

import trio


async def poll():
    try:
        await trio.sleep(5)
    finally:
        with trio.move_on_after(1) as scope:
            scope.shield = True
            await trio.sleep(0.2)


async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(poll, name="poller")
        await trio.sleep(0.1)
        nursery.cancel_scope.cancel()
    await trio.sleep(1.2)


trio.run(main)
