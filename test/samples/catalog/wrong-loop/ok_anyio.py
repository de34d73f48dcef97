"""The thread enters the loop through anyio's own door. Expect nothing."""

import anyio
import anyio.from_thread
import anyio.to_thread


async def locked(lock):
    async with lock:
        await anyio.sleep(0.1)


def work(lock):
    anyio.from_thread.run(locked, lock)


async def main():
    lock = anyio.Lock()
    await anyio.to_thread.run_sync(work, lock)
    await anyio.sleep(0.2)


anyio.run(main)
