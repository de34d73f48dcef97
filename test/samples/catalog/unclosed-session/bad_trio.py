"""An httpx client is made for one request, used and dropped without being closed.

Expect one `unclosed-session` at the place where it was made.
"""

import gc

import httpx
import trio


async def handler():
    client = httpx.AsyncClient()  # @made
    print(type(client).__name__, "open:", not client.is_closed)
    await trio.sleep(0.1)


async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(handler, name="handler")
    gc.collect()
    await trio.sleep(0.4)


trio.run(main)
