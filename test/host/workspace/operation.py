"""Operations with breakpoints of their own: `operation.py LIBRARY one|failing|many|loop LINE`. Others run the same code."""

import sys

import async_health
from libraries import use


async def work(n):
    value = n * 2  # @work-first
    await sleep(0.01)
    value += 1  # @work-after
    return value


async def fails():
    await sleep(0.01)
    raise KeyError("mine")


async def operation(n, coroutine, **options):
    breakpoints = [(__file__, line, "n == %d" % n if n % 2 else None)] if line else None
    return await debugger.debug_async_operation(
        "op %d" % n, coroutine, breakpoints=breakpoints, metadata={"n": n}, **options
    )


async def one_of_many(n, results):
    results.append(await operation(n, work(n)))


async def main():
    async with group() as others:
        for n in range(3):
            start(others, work, 100 + n)
        if kind == "one":
            print("result", await operation(7, work(7)))
        elif kind == "loop":
            print("result", await operation(7, work_in_own_loop(7), isolation="loop"))
        elif kind == "failing":
            try:
                await operation(2, fails())
            except KeyError as error:
                print("raised", error)
        elif kind == "many":
            results = []
            async with group() as many:
                for n in range(100):
                    start(many, one_of_many, n, results)
            print("results", sum(results))
    await work(1)
    print("end")


async def work_in_own_loop(n):
    import asyncio

    value = n * 2  # @own-first
    await asyncio.sleep(0.01)
    return value + 1


library, kind, line = sys.argv[1], sys.argv[2], int(sys.argv[3])
debugger = async_health.AsyncDebugger()
group, start, cancel, sleep, run = use(library)
run(main)
