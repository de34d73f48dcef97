"""A lock that one loop waits on is waited on from the loop of a second thread as well.

Expect one `wrong-loop` at the second wait.
"""

# needs: python>=3.10
# also: lock-timeout, exception-never-retrieved
import asyncio
import threading

import anyio


async def borrow(lock):
    try:
        await lock.acquire()  # @used
    except RuntimeError as error:
        print("thread:", str(error)[:100])


async def wait_for(lock):
    await lock.acquire()
    lock.release()


async def main():
    lock = asyncio.Lock()
    await lock.acquire()
    async with anyio.create_task_group() as group:
        group.start_soon(wait_for, lock)
        await anyio.sleep(0.2)
        thread = threading.Thread(target=lambda: anyio.run(borrow, lock))
        thread.start()
        await anyio.sleep(0.5)
        thread.join()
        lock.release()


anyio.run(main)
