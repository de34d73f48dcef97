"""A pool keeps the nursery of the first request. A job of the second request fails in it: the first request is cancelled.

Expect one `foreign-cancel`: the nursery of `request-1` was cancelled by a job that `request-2` started.
"""

import trio


class Pool:
    nursery = None


async def refresh():
    await trio.sleep(0.1)
    raise ValueError("refresh failed")


async def first(pool):
    try:
        async with trio.open_nursery() as pool.nursery:  # @entered
            await trio.sleep(5)
    except BaseException as error:
        print("request-1:", repr(error)[:120])


async def second(pool):
    await trio.sleep(0.2)
    pool.nursery.start_soon(refresh, name="refresh")  # @started
    await trio.sleep(0.5)


async def main():
    pool = Pool()
    async with trio.open_nursery() as server:
        server.start_soon(first, pool, name="request-1")
        server.start_soon(second, pool, name="request-2")


trio.run(main)
