"""A method that holds the lock calls another one that takes it too: anyio raises, and the caller hides it.

Expect one `lock-reentry` at the second acquire, with the place of the first.
"""

import anyio


class Account:
    def __init__(self):
        self.lock = anyio.Lock()
        self.balance = 0

    async def add(self, amount):
        await self.lock.acquire()  # @again
        self.balance += amount
        self.lock.release()

    async def add_twice(self, amount):
        await self.lock.acquire()  # @first
        try:
            await self.add(amount)
        except RuntimeError as error:
            print("account:", error)
        self.lock.release()


async def main():
    await Account().add_twice(5)
    await anyio.sleep(0.3)


anyio.run(main)
