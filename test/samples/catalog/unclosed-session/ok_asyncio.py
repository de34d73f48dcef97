"""One session for the application, in `async with`. Expect nothing."""

import asyncio

import aiohttp


async def handler(session):
    print(type(session).__name__, "open:", not session.closed)
    await asyncio.sleep(0.1)


async def main():
    async with aiohttp.ClientSession() as session:
        await asyncio.create_task(handler(session), name="handler")
    await asyncio.sleep(0.2)


asyncio.run(main())
