"""The slow work is done outside the lock. Expect nothing."""

# options: {"thresholds": {"lockWaitMs": 500, "lockHoldMs": 500}}
import trio


async def worker(lock):
    await trio.sleep(1)
    async with lock:
        await trio.sleep(0.05)


async def main():
    lock = trio.Lock()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(worker, lock, name="worker-1")
        nursery.start_soon(worker, lock, name="worker-2")


trio.run(main)
