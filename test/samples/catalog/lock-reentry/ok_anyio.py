"""The inner method expects the lock to be held. Expect nothing."""

import anyio


class Account:
    def __init__(self):
        self.lock = anyio.Lock()
        self.balance = 0

    async def add_twice(self, amount):
        async with self.lock:
            self.balance += amount
            await anyio.sleep(0.05)
            self.balance += amount


async def main():
    account = Account()
    async with anyio.create_task_group() as group:
        group.start_soon(account.add_twice, 5)
        group.start_soon(account.add_twice, 6)


anyio.run(main)
