"""A task takes a lock, forgets to release it on one path and ends; the next one waits for ever (here: 1.5 s).

Expect one `lock-abandoned` with the place where it was acquired and the place that waits.
"""

import asyncio


async def forgetful(lock):
    await lock.acquire()  # @acquired
    await asyncio.sleep(0.1)
    if lock.locked():
        return
    lock.release()


async def next_one(lock):
    await asyncio.sleep(0.05)
    await lock.acquire()  # @waits
    lock.release()


async def main():
    lock = asyncio.Lock()
    tasks = [asyncio.ensure_future(forgetful(lock)), asyncio.ensure_future(next_one(lock))]
    _, pending = await asyncio.wait(tasks, timeout=1.5)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)


asyncio.run(main())
