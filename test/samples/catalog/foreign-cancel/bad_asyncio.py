"""A pool keeps the task group of the first request. A job of the second request fails in it: the first request is cancelled.

Expect one `foreign-cancel`: the scope of `request-1` was cancelled by a job that `request-2` started.
"""

# needs: python>=3.11
import asyncio


class Pool:
    group = None


async def refresh():
    await asyncio.sleep(0.1)
    raise ValueError("refresh failed")


async def first(pool):
    async with asyncio.TaskGroup() as pool.group:  # @entered
        await asyncio.sleep(5)


async def second(pool):
    await asyncio.sleep(0.2)
    pool.group.create_task(refresh(), name="refresh")  # @started
    await asyncio.sleep(0.5)


async def main():
    pool = Pool()
    requests = [asyncio.create_task(first(pool), name="request-1"), asyncio.create_task(second(pool), name="request-2")]
    print(await asyncio.gather(*requests, return_exceptions=True))


asyncio.run(main())
