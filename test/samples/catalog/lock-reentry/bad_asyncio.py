"""A method that holds the lock calls another one that takes it too: it hangs without a word until main gives up.

Expect one `lock-reentry` at the second acquire, with the place of the first.
"""

# also: lock-deadlock
import asyncio


class Account:
    def __init__(self):
        self.lock = asyncio.Lock()
        self.balance = 0

    async def add(self, amount):
        async with self.lock:  # @again
            self.balance += amount

    async def add_twice(self, amount):
        async with self.lock:  # @first
            await self.add(amount)


async def main():
    account = Account()
    task = asyncio.ensure_future(account.add_twice(5))
    _, pending = await asyncio.wait([task], timeout=1.5)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)


asyncio.run(main())
