"""`async with` releases on every path. Expect nothing."""

import trio


async def careful(lock):
    async with lock:
        await trio.sleep(0.1)
        return


async def main():
    lock = trio.Lock()
    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(careful, lock)


trio.run(main)
