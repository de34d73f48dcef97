"""Each request has its own task group: a failing job of the second touches nobody else. Expect nothing."""

import anyio


async def refresh():
    await anyio.sleep(0.1)
    raise ValueError("refresh failed")


async def first():
    async with anyio.create_task_group():
        await anyio.sleep(0.6)


async def second():
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(refresh, name="refresh")
    except Exception as error:
        print("request-2:", repr(error)[:120])


async def main():
    async with anyio.create_task_group() as server:
        server.start_soon(first, name="request-1")
        server.start_soon(second, name="request-2")


anyio.run(main)
