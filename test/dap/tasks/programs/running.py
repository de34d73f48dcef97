"""Runs for good in coroutines that start once: `running.py asyncio|trio`."""

import sys


async def numbers(sleep):
    n = 0
    while True:
        n += 1
        await sleep(0.02)  # @generator
        yield n


async def ticker(sleep):
    while True:
        await sleep(0.02)  # @ticker


async def consumer(sleep):
    async for _number in numbers(sleep):
        pass  # @consumer


def on_asyncio():
    import asyncio

    async def main():
        loop = asyncio.get_running_loop()
        waiting = [asyncio.ensure_future(asyncio.shield(loop.create_future())) for _ in range(500)]
        tasks = [asyncio.ensure_future(part(asyncio.sleep)) for part in (ticker, consumer)]
        await asyncio.sleep(0.1)
        print("ready", len(waiting), flush=True)
        await asyncio.gather(*tasks)

    asyncio.run(main())


def on_trio():
    import trio

    async def main():
        async with trio.open_nursery() as nursery:
            for part in (ticker, consumer):
                nursery.start_soon(part, trio.sleep)
            await trio.sleep(0.1)
            print("ready", flush=True)

    trio.run(main)


on_trio() if sys.argv[1] == "trio" else on_asyncio()
