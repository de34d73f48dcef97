"""The same call in a worker thread. Expect nothing."""

import time

import trio


def read_file():
    time.sleep(0.4)


async def handler():
    await trio.sleep(0.2)
    await trio.to_thread.run_sync(read_file)


async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(handler, name="handler")


trio.run(main)
