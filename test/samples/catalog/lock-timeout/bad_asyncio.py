"""One task keeps a lock for two seconds, doing slow work inside, while another waits for it. It does end.

The thresholds are lowered to 0.5 s for this sample. Expect one `lock-timeout` with the holder's and the waiter's place.
"""

# options: {"thresholds": {"lockWaitMs": 500, "lockHoldMs": 500}}
import asyncio


async def holder(lock):
    async with lock:  # @acquired
        await asyncio.sleep(2)


async def waiter(lock):
    await asyncio.sleep(0.1)
    await lock.acquire()  # @waits
    lock.release()


async def main():
    lock = asyncio.Lock()
    await asyncio.gather(holder(lock), waiter(lock))


asyncio.run(main())
