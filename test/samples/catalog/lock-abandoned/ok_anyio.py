"""`async with` releases on every path. Expect nothing."""

import anyio


async def careful(lock):
    async with lock:
        await anyio.sleep(0.1)
        return


async def main():
    lock = anyio.Lock()
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(careful, lock)


anyio.run(main)
