"""`save()` is called without `await`: it never runs.

Expect one `never-awaited` that names the coroutine `save`, at the place where it was made.
"""

import asyncio


async def save(order):
    print("saved", order)


async def handler():
    save(42)  # @made
    await asyncio.sleep(0.3)


async def main():
    await asyncio.gather(handler())


asyncio.run(main())
