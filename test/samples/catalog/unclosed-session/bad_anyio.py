"""An httpx client is made for one request, used and dropped without being closed.

Expect one `unclosed-session` at the place where it was made.
"""

import gc

import anyio
import httpx


async def handler():
    client = httpx.AsyncClient()  # @made
    print(type(client).__name__, "open:", not client.is_closed)
    await anyio.sleep(0.1)


async def main():
    async with anyio.create_task_group() as group:
        group.start_soon(handler, name="handler")
    gc.collect()
    await anyio.sleep(0.4)


anyio.run(main)
