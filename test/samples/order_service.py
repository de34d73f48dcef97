"""A small order service with a shared pool of sessions. It runs, it prints, and it is wrong in two ways.

1. The pool opens a session (with a task group in it) in the task of whichever request comes first, and the housekeeper, another
   task, closes it when it is idle. So a scope is entered by one task and left by another: `cross-task-exit`.
2. Orders lock the stock and then the ledger, the nightly report locks the ledger and then the stock: `lock-deadlock`.

Start it with F5 and open "Async Health". `--repaired` runs the same service as it should be written.
"""

import argparse
import asyncio
import contextlib
import random

import anyio


class Session:
    """A connection with a heartbeat in a task group: entering it enters the group, leaving it leaves the group."""

    def __init__(self, number):
        self.number = number
        self.requests = 0
        self._stack = contextlib.AsyncExitStack()

    async def open(self):
        group = await self._stack.enter_async_context(anyio.create_task_group())  # @entered
        group.start_soon(self._heartbeat, name="heartbeat-%d" % self.number)
        self._group = group

    async def close(self):
        self._group.cancel_scope.cancel()
        await self._stack.aclose()  # @left

    async def send(self, item):
        self.requests += 1
        await anyio.sleep(0.02)
        return "%s ok (session %d)" % (item, self.number)

    async def _heartbeat(self):
        while True:
            await anyio.sleep(0.25)


class BorrowedPool:
    """Wrong: the session lives in the task that happens to ask first, and is closed by the housekeeper."""

    def __init__(self):
        self._idle = []
        self._made = 0

    @contextlib.asynccontextmanager
    async def session(self):
        if not self._idle:
            self._made += 1
            session = Session(self._made)
            await session.open()
            self._idle.append(session)
        session = self._idle.pop()
        try:
            yield session
        finally:
            self._idle.append(session)

    async def housekeeping(self):
        while True:
            await anyio.sleep(1.0)
            while self._idle:
                session = self._idle.pop()
                try:
                    await session.close()
                except (RuntimeError, asyncio.CancelledError) as error:
                    print("housekeeper: could not close session %d: %s" % (session.number, error))


class OwningPool:
    """Right: one task owns each session for its whole life; the others hand it their work through a channel."""

    def __init__(self):
        self._send, self._receive = anyio.create_memory_object_stream(100)

    @contextlib.asynccontextmanager
    async def session(self):
        yield self

    async def send(self, item):
        reply = asyncio.get_running_loop().create_future()
        await self._send.send((item, reply))
        return await reply

    async def housekeeping(self):
        session = Session(1)
        await session.open()
        try:
            async for item, reply in self._receive:
                reply.set_result(await session.send(item))
        finally:
            with anyio.CancelScope(shield=True):
                await session.close()


class Shop:
    def __init__(self, pool, repaired):
        self.pool = pool
        self.repaired = repaired
        self.stock = asyncio.Lock()
        self.ledger = asyncio.Lock()
        self.sold = 0

    async def order(self, number):
        async with self.pool.session() as session:
            print(await session.send("order %d" % number))
        async with self.stock:
            await anyio.sleep(0.05)
            async with self.ledger:  # @waits-for-ledger
                self.sold += 1

    async def nightly_report(self):
        first, second = (self.stock, self.ledger) if self.repaired else (self.ledger, self.stock)
        async with first:
            await anyio.sleep(0.05)
            async with second:  # @waits-for-stock
                print("report: %d sold" % self.sold)

    async def customers(self, seconds):
        """One request a task, as a web server does it."""
        number = 0
        running = set()
        end = anyio.current_time() + seconds
        while anyio.current_time() < end:
            number += 1
            task = asyncio.ensure_future(self.order(number))
            running.add(task)
            task.add_done_callback(running.discard)
            await anyio.sleep(random.uniform(0.2, 0.5))
            if number % 5 == 0:
                report = asyncio.ensure_future(self.nightly_report())
                running.add(report)
                report.add_done_callback(running.discard)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=10.0, help="how long it takes orders")
    parser.add_argument("--repaired", action="store_true", help="the same service without its two mistakes")
    options = parser.parse_args()
    pool = OwningPool() if options.repaired else BorrowedPool()
    shop = Shop(pool, options.repaired)
    housekeeper = asyncio.ensure_future(pool.housekeeping())
    await shop.customers(options.seconds)
    housekeeper.cancel()
    await asyncio.gather(housekeeper, return_exceptions=True)
    print("closed: %d sold" % shop.sold)


if __name__ == "__main__":
    random.seed(7)
    asyncio.run(main())
