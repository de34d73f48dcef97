"""Two transfers take two locks in opposite order and wait for each other; after two seconds main gives up.

Expect one `lock-deadlock` with both waiting places and the places where each took its lock.
"""

import trio


async def deposit(checking, savings):
    async with checking:  # @has-checking
        await trio.sleep(0.1)
        await savings.acquire()  # @waits-for-savings
        savings.release()


async def withdraw(checking, savings):
    async with savings:  # @has-savings
        await trio.sleep(0.1)
        await checking.acquire()  # @waits-for-checking
        checking.release()


async def main():
    checking, savings = trio.Lock(), trio.Lock()
    with trio.move_on_after(2):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(deposit, checking, savings, name="deposit")
            nursery.start_soon(withdraw, checking, savings, name="withdraw")


trio.run(main)
