"""Two transfers take two locks in opposite order and wait for each other; after two seconds main gives up.

Expect one `lock-deadlock` with both waiting places and the places where each took its lock.
"""

import anyio


async def deposit(checking, savings):
    async with checking:  # @has-checking
        await anyio.sleep(0.1)
        await savings.acquire()  # @waits-for-savings
        savings.release()


async def withdraw(checking, savings):
    async with savings:  # @has-savings
        await anyio.sleep(0.1)
        await checking.acquire()  # @waits-for-checking
        checking.release()


async def main():
    checking, savings = anyio.Lock(), anyio.Lock()
    with anyio.move_on_after(2):
        async with anyio.create_task_group() as group:
            group.start_soon(deposit, checking, savings, name="deposit")
            group.start_soon(withdraw, checking, savings, name="withdraw")


anyio.run(main)
