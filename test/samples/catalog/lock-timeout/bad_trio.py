"""One task keeps a lock for two seconds, doing slow work inside, while another waits for it. It does end.

The thresholds are lowered to 0.5 s for this sample. Expect one `lock-timeout` with the holder's and the waiter's place.
"""

# options: {"thresholds": {"lockWaitMs": 500, "lockHoldMs": 500}}
import trio


async def holder(lock):
    async with lock:  # @acquired
        await trio.sleep(2)


async def waiter(lock):
    await trio.sleep(0.1)
    await lock.acquire()  # @waits
    lock.release()


async def main():
    lock = trio.Lock()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(holder, lock, name="holder")
        nursery.start_soon(waiter, lock, name="waiter")


trio.run(main)
