"""One task enters and leaves the timeout; the other only asks it to finish. Expect nothing."""

# needs: python>=3.11
import asyncio


async def owner(opened, close):
    async with asyncio.timeout(5):
        opened.set()
        await close.wait()


async def closer(opened, close):
    await opened.wait()
    close.set()


async def main():
    opened, close = asyncio.Event(), asyncio.Event()
    await asyncio.gather(owner(opened, close), closer(opened, close))


asyncio.run(main())
