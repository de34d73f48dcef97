"""One task keeps a lock for two seconds, doing slow work inside, while another waits for it. It does end.

The thresholds are lowered to 0.5 s for this sample. Expect one `lock-timeout` with the holder's and the waiter's place.
"""

# options: {"thresholds": {"lockWaitMs": 500, "lockHoldMs": 500}}
import anyio


async def holder(lock):
    async with lock:  # @acquired
        await anyio.sleep(2)


async def waiter(lock):
    await anyio.sleep(0.1)
    await lock.acquire()  # @waits
    lock.release()


async def main():
    lock = anyio.Lock()
    async with anyio.create_task_group() as group:
        group.start_soon(holder, lock, name="holder")
        group.start_soon(waiter, lock, name="waiter")


anyio.run(main)
