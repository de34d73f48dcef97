"""Programs that go wrong, wait or spin: `stops.py SCENARIO`."""

import asyncio
import sys
import time


async def reentry():
    lock = asyncio.Lock()
    task = asyncio.get_running_loop().create_task(taker(lock))
    await asyncio.wait([task], timeout=1)
    task.cancel()


def doubled(n):
    result = n * 2
    return result


async def taker(lock):
    async with lock:
        await lock.acquire()  # @reentry


async def cross_task():
    import anyio

    scope = anyio.CancelScope()

    async def enter():
        scope.__enter__()
        await asyncio.sleep(0.05)

    async def leave():
        await asyncio.sleep(0.02)
        scope.__exit__(None, None, None)  # @cross

    await asyncio.gather(enter(), leave(), return_exceptions=True)


async def idle():
    print("idle")
    await asyncio.sleep(60)  # @idle


async def spin():
    print("spin")
    while True:
        time.sleep(0.001)  # @spin


async def block():
    print("block")
    time.sleep(1.5)  # @block
    await asyncio.sleep(60)


async def deadlock():
    a, b = asyncio.Lock(), asyncio.Lock()

    async def one():
        async with a:
            await asyncio.sleep(0.05)
            async with b:  # @deadlock-one
                pass

    async def two():
        async with b:
            await asyncio.sleep(0.05)
            async with a:  # @deadlock-two
                pass

    await asyncio.gather(one(), two())


if __name__ == "__main__":
    name = sys.argv[1]
    if name == "trio_idle":
        import trio

        async def main():
            print("idle")
            await trio.sleep(60)

        trio.run(main)
    elif name == "uvloop_idle":
        import uvloop

        uvloop.install()
        asyncio.run(idle())
    else:
        asyncio.run(globals()[name]())
