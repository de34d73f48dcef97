"""The slow work is done outside the lock. Expect nothing."""

# options: {"thresholds": {"lockWaitMs": 500, "lockHoldMs": 500}}
import anyio


async def worker(lock):
    await anyio.sleep(1)
    async with lock:
        await anyio.sleep(0.05)


async def main():
    lock = anyio.Lock()
    async with anyio.create_task_group() as group:
        group.start_soon(worker, lock, name="worker-1")
        group.start_soon(worker, lock, name="worker-2")


anyio.run(main)
