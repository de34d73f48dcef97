"""Both transfers take the locks in the same order. Expect nothing."""

import anyio


async def transfer(checking, savings):
    async with checking:
        await anyio.sleep(0.1)
        async with savings:
            await anyio.sleep(0.1)


async def main():
    checking, savings = anyio.Lock(), anyio.Lock()
    async with anyio.create_task_group() as group:
        for _ in range(4):
            group.start_soon(transfer, checking, savings)


anyio.run(main)
