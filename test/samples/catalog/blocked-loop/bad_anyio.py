"""A handler calls `time.sleep` in the event loop: everybody else stands still for 0.4 s.

Expect one `blocked-loop` at the blocking call, with the stack that was taken while it blocked.
"""

import time

import anyio


def read_file():
    time.sleep(0.4)  # @blocks


async def handler():
    await anyio.sleep(0.2)
    read_file()


async def main():
    async with anyio.create_task_group() as group:
        group.start_soon(handler, name="handler")
    await anyio.sleep(0.3)


anyio.run(main)
