"""A timeout of a second, with a stop inside: `deadline.py LIBRARY`. It must not fire because the program stood."""

import sys
import time

from libraries import use


async def guarded():
    value = 1
    print("at", value)  # @stop
    await sleep(0.2)
    return value


async def main():
    if library in ("asyncio", "uvloop"):
        import asyncio

        try:
            await asyncio.wait_for(guarded(), 1)
            print("in time")
        except asyncio.TimeoutError:
            print("timed out")
    else:
        module = __import__("trio" if library == "trio" else "anyio")
        with module.move_on_after(1) as scope:
            await guarded()
        print("timed out" if scope.cancelled_caught else "in time")
    print("real seconds", time.monotonic() - began > 1.5)


library = sys.argv[1]
group, start, cancel, sleep, run = use(library)
began = time.monotonic()
run(main)
