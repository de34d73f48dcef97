"""`async with` releases on every path. Expect nothing."""

import asyncio


async def careful(lock):
    async with lock:
        await asyncio.sleep(0.1)
        return


async def main():
    lock = asyncio.Lock()
    await asyncio.gather(careful(lock), careful(lock), careful(lock))


asyncio.run(main())
