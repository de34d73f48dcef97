"""A pool keeps the task group of the first request. A job of the second request fails in it: the first request is cancelled.

Expect one `foreign-cancel`: the scope of `request-1` was cancelled by a job that `request-2` started.
"""

import anyio


class Pool:
    group = None


async def refresh():
    await anyio.sleep(0.1)
    raise ValueError("refresh failed")


async def first(pool):
    try:
        async with anyio.create_task_group() as pool.group:  # @entered
            await anyio.sleep(5)
    except BaseException as error:
        print("request-1:", repr(error)[:120])


async def second(pool):
    await anyio.sleep(0.2)
    pool.group.start_soon(refresh, name="refresh")  # @started
    await anyio.sleep(0.5)


async def main():
    pool = Pool()
    async with anyio.create_task_group() as server:
        server.start_soon(first, pool, name="request-1")
        server.start_soon(second, pool, name="request-2")


anyio.run(main)
