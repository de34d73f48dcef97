"""It is awaited; a coroutine that is closed on purpose is no mistake either. Expect nothing."""

import asyncio


async def save(order):
    await asyncio.sleep(0)
    print("saved", order)


async def main():
    await save(42)
    unused = save(43)
    unused.close()
    await asyncio.sleep(0.2)


asyncio.run(main())
