"""Both transfers take the locks in the same order. Expect nothing."""

import asyncio


async def transfer(checking, savings):
    async with checking:
        await asyncio.sleep(0.1)
        async with savings:
            await asyncio.sleep(0.1)


async def main():
    checking, savings = asyncio.Lock(), asyncio.Lock()
    await asyncio.gather(*(transfer(checking, savings) for _ in range(4)))


asyncio.run(main())
