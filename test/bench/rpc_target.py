"""A program with TASKS waiting tasks that stops in a function with some locals, and has lines to step over: `rpc_target.py TASKS`."""

import asyncio
import sys


async def waiter(event):
    await event.wait()


async def handler(number):
    items = {"item %d" % index: index for index in range(20)}
    total = 0
    await asyncio.sleep(0)
    total += number  # @stop
    for _ in range(1000):
        total += 1
        total -= 1
    return total, items


async def main():
    event = asyncio.Event()
    tasks = [asyncio.ensure_future(waiter(event)) for _ in range(int(sys.argv[1]))]
    await asyncio.sleep(0.2)
    await handler(7)
    event.set()
    await asyncio.gather(*tasks)


asyncio.run(main())
