"""A handler calls `time.sleep` in the event loop: everybody else stands still for 0.4 s.

Expect one `blocked-loop` at the blocking call, with the stack that was taken while it blocked.
"""

import time

import trio


def read_file():
    time.sleep(0.4)  # @blocks


async def handler():
    await trio.sleep(0.2)
    read_file()


async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(handler, name="handler")
    await trio.sleep(0.3)


trio.run(main)
