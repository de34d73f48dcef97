"""The inner method expects the lock to be held. Expect nothing."""

import asyncio


class Account:
    def __init__(self):
        self.lock = asyncio.Lock()
        self.balance = 0

    def _add(self, amount):
        self.balance += amount

    async def add_twice(self, amount):
        async with self.lock:
            self._add(amount)
            await asyncio.sleep(0.05)
            self._add(amount)


async def main():
    account = Account()
    await asyncio.gather(account.add_twice(5), account.add_twice(6))


asyncio.run(main())
