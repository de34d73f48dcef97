# ruff: noqa: F841 (variables are there to be looked at)
"""Tasks of every kind, stopped in one of them: `tree.py asyncio|anyio|anyio-trio|trio|uvloop`."""

import asyncio
import sys


async def leaf(name):
    value = name * 2
    await asyncio.sleep(0.01)
    if name == "b":
        print(value)  # @leaf
    await asyncio.sleep(0.01)
    return value


async def middle(name):
    return await leaf(name)


async def holder(lock):
    async with lock:
        await asyncio.sleep(60)


async def waiter(lock):
    async with lock:
        pass


async def gatherer():
    return await asyncio.gather(middle("a"), middle("b"))


async def main():
    lock = asyncio.Lock()
    background = [asyncio.create_task(holder(lock), name="holder"), asyncio.create_task(waiter(lock), name="waiter")]
    task = asyncio.create_task(gatherer(), name="gatherer")
    print(await task)
    for one in background:
        one.cancel()
    print("done")


async def any_leaf(name):
    import anyio

    await anyio.sleep(0.01)
    if name == "b":
        print(name)  # @any-leaf
    await anyio.sleep(0.01)


async def any_main():
    import anyio

    async with anyio.create_task_group() as group:
        group.start_soon(any_leaf, "a", name="first")
        group.start_soon(any_leaf, "b", name="second")
    print("done")


async def trio_leaf(name):
    import trio

    await trio.sleep(0.01)
    if name == "b":
        print(name)  # @trio-leaf
    await trio.sleep(0.01)


async def trio_main():
    import trio

    async with trio.open_nursery() as nursery:
        nursery.start_soon(trio_leaf, "a")
        nursery.start_soon(trio_leaf, "b")
    print("done")


if __name__ == "__main__":
    kind = sys.argv[1]
    if kind == "asyncio":
        asyncio.run(main())
    elif kind == "uvloop":
        import uvloop

        uvloop.install()
        asyncio.run(main())
    elif kind == "anyio":
        import anyio

        anyio.run(any_main)
    elif kind == "anyio-trio":
        import anyio

        anyio.run(any_main, backend="trio")
    else:
        import trio

        trio.run(trio_main)
