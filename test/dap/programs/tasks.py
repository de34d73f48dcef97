import asyncio
import sys


async def child(n):
    await asyncio.sleep(0.01 * n)
    local = n * 2  # @child
    return local


async def main():
    results = await asyncio.gather(*(child(i) for i in range(3)))
    print("results", results)  # @main
    print("to stderr", file=sys.stderr)


asyncio.run(main())
print("done")  # @end
