"""Operations with breakpoints of their own: `operations.py one|many|shared|plain`."""

import asyncio
import sys


async def work(n):
    value = n * 2  # @work-first
    await asyncio.sleep(0.01)
    value += 1  # @work-after
    return value


async def one(debugger, n):
    return await debugger.debug_async_operation(
        "op %d" % n, work(n), breakpoints=[(__file__, LINE, "n == %d" % n if n % 2 else None)], metadata={"n": n}
    )


async def main(kind):
    import async_health

    debugger = async_health.AsyncDebugger()
    others = [asyncio.create_task(work(100 + i)) for i in range(3)]
    if kind == "one":
        print("result", await one(debugger, 7))
    elif kind == "many":
        print("results", sum(await asyncio.gather(*[one(debugger, n) for n in range(100)])))
    elif kind == "failing":

        async def fails():
            raise KeyError("mine")

        try:
            await debugger.debug_async_operation("failing", fails(), breakpoints=[(__file__, LINE)])
        except KeyError as error:
            print("raised", error)
    await asyncio.gather(*others)
    await work(1)
    for n in range(6):
        await work(n)  # @loop
    print("end")


LINE = int(sys.argv[2])
asyncio.run(main(sys.argv[1]))
