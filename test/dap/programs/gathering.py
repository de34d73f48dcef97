"""Tasks that are gathered, a log point's line, and an exception that nobody catches."""

import asyncio


async def child(n):
    await asyncio.sleep(0.02 * n)
    local = n * 2  # @child
    return local  # @return


async def fails():
    await asyncio.sleep(0.01)
    raise ValueError("nobody catches this")  # @raise


async def main():
    results = await asyncio.gather(*(child(i) for i in range(3)))
    total = sum(results)  # @sum
    print("total", total)
    for index in range(4):
        total += index  # @loop
    await fails()


asyncio.run(main())
