"""An aiohttp session is made for one request, used and dropped without being closed.

Expect one `unclosed-session` at the place where it was made.
"""

import asyncio
import gc

import aiohttp


async def handler():
    session = aiohttp.ClientSession()  # @made
    print(type(session).__name__, "open:", not session.closed)
    await asyncio.sleep(0.1)


async def main():
    await asyncio.create_task(handler(), name="handler")
    gc.collect()
    await asyncio.sleep(0.4)


asyncio.run(main())
