"""One client for the application, in `async with`. Expect nothing."""

import anyio
import httpx


async def handler(client):
    print(type(client).__name__, "open:", not client.is_closed)
    await anyio.sleep(0.1)


async def main():
    async with httpx.AsyncClient() as client:
        async with anyio.create_task_group() as group:
            group.start_soon(handler, client, name="handler")
    await anyio.sleep(0.2)


anyio.run(main)
