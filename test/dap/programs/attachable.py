"""Runs until it is ended from outside, with two tasks of `ticker`; how its main thread spends its time is the argument."""

import asyncio
import os
import sys
import threading
import time


def say_ready():
    print("ready", os.getpid(), flush=True)


async def idle():
    async def ticker():
        await asyncio.get_running_loop().create_future()

    tasks = [asyncio.ensure_future(ticker()) for _ in range(2)]
    asyncio.get_running_loop().call_later(0.01, say_ready)
    await asyncio.gather(*tasks)


async def spinning():
    async def ticker():
        while True:
            sum(range(100))
            await asyncio.sleep(0)

    tasks = [asyncio.ensure_future(ticker()) for _ in range(2)]
    asyncio.get_running_loop().call_later(0.01, say_ready)
    await asyncio.gather(*tasks)


async def blocked():
    async def ticker():
        await asyncio.sleep(3600)

    tasks = [asyncio.ensure_future(ticker()) for _ in range(2)]
    await asyncio.sleep(0.01)
    say_ready()
    time.sleep(3600)
    await asyncio.gather(*tasks)


async def never_resting():
    """No system call at all: the thread can only be asked."""

    async def ticker():
        await asyncio.sleep(3600)

    tasks = [asyncio.ensure_future(ticker()) for _ in range(2)]
    await asyncio.sleep(0.01)
    say_ready()
    while True:
        list(range(10))
    await asyncio.gather(*tasks)


async def crowded():
    """Other threads fight for the interpreter."""

    def burn():
        while True:
            pass

    for _ in range(2):
        threading.Thread(target=burn, daemon=True).start()
    await idle()


async def trio_main():
    import trio

    async def ticker():
        while True:
            await trio.sleep(0.02)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ticker)
        nursery.start_soon(ticker)
        await trio.sleep(0.05)
        say_ready()


kind = sys.argv[1]
if kind == "trio":
    import trio

    trio.run(trio_main)
elif kind == "uvloop":
    import uvloop

    loop = uvloop.new_event_loop()
    loop.run_until_complete(idle())
else:
    asyncio.run(
        {"idle": idle, "spinning": spinning, "blocked": blocked, "never_resting": never_resting, "crowded": crowded}[
            kind
        ]()
    )
