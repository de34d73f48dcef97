"""The slow work is done outside the lock. Expect nothing."""

# options: {"thresholds": {"lockWaitMs": 500, "lockHoldMs": 500}}
import asyncio


async def worker(lock):
    await asyncio.sleep(1)
    async with lock:
        await asyncio.sleep(0.05)


async def main():
    lock = asyncio.Lock()
    await asyncio.gather(worker(lock), worker(lock))


asyncio.run(main())
