"""Last in, first out: an exit stack keeps the order. Expect nothing."""

# needs: python>=3.11
import asyncio
import contextlib


async def main():
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(asyncio.timeout(5))
        await stack.enter_async_context(asyncio.timeout(3))
        await asyncio.sleep(0.2)


asyncio.run(main())
