"""The same call in a worker thread. Expect nothing."""

import time

import anyio
import anyio.to_thread


def read_file():
    time.sleep(0.4)


async def handler():
    await anyio.sleep(0.2)
    await anyio.to_thread.run_sync(read_file)


async def main():
    async with anyio.create_task_group() as group:
        group.start_soon(handler, name="handler")


anyio.run(main)
