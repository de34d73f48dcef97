"""Two transfers take two locks in opposite order and wait for each other; after two seconds main gives up.

Expect one `lock-deadlock` with both waiting places and the places where each took its lock.
"""

import asyncio


async def deposit(checking, savings):
    async with checking:  # @has-checking
        await asyncio.sleep(0.1)
        await savings.acquire()  # @waits-for-savings
        savings.release()


async def withdraw(checking, savings):
    async with savings:  # @has-savings
        await asyncio.sleep(0.1)
        await checking.acquire()  # @waits-for-checking
        checking.release()


async def main():
    checking, savings = asyncio.Lock(), asyncio.Lock()
    tasks = [asyncio.ensure_future(deposit(checking, savings)), asyncio.ensure_future(withdraw(checking, savings))]
    _, pending = await asyncio.wait(tasks, timeout=2)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)


asyncio.run(main())
