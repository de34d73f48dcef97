"""One client for the application, in `async with`. Expect nothing."""

import httpx
import trio


async def handler(client):
    print(type(client).__name__, "open:", not client.is_closed)
    await trio.sleep(0.1)


async def main():
    async with httpx.AsyncClient() as client:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(handler, client, name="handler")
    await trio.sleep(0.2)


trio.run(main)
