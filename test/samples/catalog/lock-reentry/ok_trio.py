"""The inner method expects the lock to be held. Expect nothing."""

import trio


class Account:
    def __init__(self):
        self.lock = trio.Lock()
        self.balance = 0

    async def add_twice(self, amount):
        async with self.lock:
            self.balance += amount
            await trio.sleep(0.05)
            self.balance += amount


async def main():
    account = Account()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(account.add_twice, 5)
        nursery.start_soon(account.add_twice, 6)


trio.run(main)
