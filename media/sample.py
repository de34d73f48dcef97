"""A small ticket office that is wrong in three ways. Start it with F5 and open "Async Health".

1. The report's statistics block the event loop: every other task waits meanwhile (`blocked-loop`).
2. A purchase locks the seats and then the till, the closing locks the till and then the seats (`lock-deadlock`).
3. The confirmation mail is a coroutine that nobody awaits (`never-awaited`).

Standard library only. Nothing is harmed: it ends by itself after about twenty seconds.
"""

import asyncio
import time


class Office:
    def __init__(self):
        self.seats = asyncio.Lock()
        self.till = asyncio.Lock()
        self.sold = 0

    async def buy(self, name):
        async with self.seats:
            await asyncio.sleep(0.05)
            async with self.till:
                self.sold += 1
                print(name, "has a ticket")
        self.send_mail(name)  # forgotten: await

    async def close_day(self):
        async with self.till:
            await asyncio.sleep(0.05)
            async with self.seats:
                print("sold today:", self.sold)

    async def send_mail(self, name):
        await asyncio.sleep(0.01)

    async def statistics(self):
        while True:
            await asyncio.sleep(2)
            time.sleep(0.3)  # blocks the loop; asyncio.to_thread would not


async def main():
    office = Office()
    statistics = asyncio.create_task(office.statistics(), name="statistics")
    for number in range(6):
        await office.buy("guest %d" % number)
        await asyncio.sleep(0.5)
    day = [
        asyncio.create_task(office.buy("late guest"), name="late guest"),
        asyncio.create_task(office.close_day(), name="closing"),
    ]
    await asyncio.wait(day, timeout=15)
    statistics.cancel()
    for task in day:
        task.cancel()
    print("closed")


if __name__ == "__main__":
    asyncio.run(main())
