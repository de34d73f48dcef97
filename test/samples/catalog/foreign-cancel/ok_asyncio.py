"""Each request has its own task group: a failing job of the second touches nobody else. Expect nothing."""

# needs: python>=3.11
import asyncio


async def refresh():
    await asyncio.sleep(0.1)
    raise ValueError("refresh failed")


async def first():
    async with asyncio.TaskGroup():
        await asyncio.sleep(0.6)


async def second():
    async with asyncio.TaskGroup() as group:
        group.create_task(refresh(), name="refresh")


async def main():
    requests = [asyncio.create_task(first(), name="request-1"), asyncio.create_task(second(), name="request-2")]
    print(await asyncio.gather(*requests, return_exceptions=True))


asyncio.run(main())
