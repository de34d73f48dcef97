"""The client is entered and left by the task that uses it. Expect nothing."""

# needs: python>=3.11
import asyncio


class Client:
    async def __aenter__(self):
        self.limit = asyncio.timeout(5)
        await self.limit.__aenter__()
        return self

    async def __aexit__(self, *details):
        await self.limit.__aexit__(*details)


async def use():
    async with Client():
        await asyncio.sleep(0.3)


async def main():
    await asyncio.create_task(use(), name="helper")


asyncio.run(main())
