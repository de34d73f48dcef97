"""Both transfers take the locks in the same order. Expect nothing."""

import trio


async def transfer(checking, savings):
    async with checking:
        await trio.sleep(0.1)
        async with savings:
            await trio.sleep(0.1)


async def main():
    checking, savings = trio.Lock(), trio.Lock()
    async with trio.open_nursery() as nursery:
        for _ in range(4):
            nursery.start_soon(transfer, checking, savings)


trio.run(main)
