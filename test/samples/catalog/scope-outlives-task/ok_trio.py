"""The helper leaves what it entered. Expect nothing."""

import trio


async def helper():
    with trio.CancelScope():
        await trio.sleep(0.3)


async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(helper, name="helper")


trio.run(main)
