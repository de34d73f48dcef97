"""The timeout is over before the generator yields, and a context manager may yield inside one. Expect nothing."""

# needs: python>=3.11
import asyncio
import contextlib


async def rows():
    for number in range(5):
        async with asyncio.timeout(5):
            await asyncio.sleep(0.01)
        yield number


@contextlib.asynccontextmanager
async def patience(seconds):
    async with asyncio.timeout(seconds):
        yield


async def main():
    async with patience(5):
        async for number in rows():
            print(number)
            await asyncio.sleep(0.05)


asyncio.run(main())
