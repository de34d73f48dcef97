"""A handler calls `time.sleep` in the event loop: everybody else stands still for 0.4 s.

Expect one `blocked-loop` at the blocking call, with the stack that was taken while it blocked.
"""

import asyncio
import time


def read_file():
    time.sleep(0.4)  # @blocks


async def handler():
    await asyncio.sleep(0.2)
    read_file()


async def main():
    await asyncio.gather(handler())
    await asyncio.sleep(0.3)


asyncio.run(main())
