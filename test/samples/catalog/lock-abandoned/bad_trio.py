"""A task takes a lock, forgets to release it on one path and ends. Newer trio raises in the waiter, older trio lets it hang.

Expect one `lock-abandoned` with the place where it was acquired and the place that waits.
"""

import trio


async def forgetful(lock):
    await lock.acquire()  # @acquired
    await trio.sleep(0.1)
    if lock.locked():
        return
    lock.release()


async def next_one(lock):
    await trio.sleep(0.05)
    try:
        await lock.acquire()  # @waits
    except trio.BrokenResourceError as error:
        print("next one:", error)
        return
    lock.release()


async def main():
    lock = trio.Lock()
    with trio.move_on_after(1.5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(forgetful, lock, name="forgetful")
            nursery.start_soon(next_one, lock, name="next-one")
        await trio.sleep(0.5)


trio.run(main)
