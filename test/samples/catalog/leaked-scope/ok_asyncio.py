"""The same early return inside `async with`. Expect nothing."""

# needs: python>=3.11
import asyncio


async def main():
    async with asyncio.timeout(60):
        await asyncio.sleep(0.2)
        return


asyncio.run(main())
