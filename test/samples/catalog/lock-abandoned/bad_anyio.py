"""A task takes a lock, forgets to release it on one path and ends; the next one waits for ever (here: 1.5 s).

Expect one `lock-abandoned` with the place where it was acquired and the place that waits.
"""

import anyio


async def forgetful(lock):
    await lock.acquire()  # @acquired
    await anyio.sleep(0.1)
    if lock.locked():
        return
    lock.release()


async def next_one(lock):
    await anyio.sleep(0.05)
    await lock.acquire()  # @waits
    lock.release()


async def main():
    lock = anyio.Lock()
    with anyio.move_on_after(1.5):
        async with anyio.create_task_group() as group:
            group.start_soon(forgetful, lock, name="forgetful")
            group.start_soon(next_one, lock, name="next-one")


anyio.run(main)
