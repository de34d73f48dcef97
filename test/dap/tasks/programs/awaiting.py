"""A program to await things of: `awaiting.py asyncio|uvloop|anyio|anyio-trio|trio`."""

import asyncio
import sys

answers = []


async def fast(x):
    return x * 2


async def slow(x, seconds=0.05):
    await asyncio.sleep(seconds)
    answers.append(x)
    return x + 1


async def fails():
    raise ValueError("as expected")


async def forever():
    await asyncio.sleep(60)


async def current():
    return asyncio.current_task().get_name()


async def worker(lock):
    local = 20
    print("at", local)  # @stop
    for _ in range(200):
        await asyncio.sleep(0.05)


async def main():
    global lock
    lock = asyncio.Lock()
    print("ready")
    await asyncio.sleep(0.6)
    await worker(lock)


async def trio_slow(x, seconds=0.05):
    import trio

    await trio.sleep(seconds)
    return x + 1


async def any_slow(x, seconds=0.05):
    import anyio

    await anyio.sleep(seconds)
    return x + 1


async def any_main():
    import anyio

    print("ready")
    await anyio.sleep(0.6)
    local = 20
    print("at", local)  # @any-stop
    await anyio.sleep(10)


async def trio_main():
    import trio

    print("ready")
    await trio.sleep(0.6)
    local = 20
    print("at", local)  # @trio-stop
    await trio.sleep(10)


if __name__ == "__main__":
    if sys.argv[1] == "trio":
        import trio

        trio.run(trio_main)
    elif sys.argv[1].startswith("anyio"):
        import anyio

        anyio.run(any_main, backend="trio" if sys.argv[1] == "anyio-trio" else "asyncio")
    else:
        if sys.argv[1] == "uvloop":
            import uvloop

            uvloop.install()
        asyncio.run(main())
