"""The same call in a worker thread. Expect nothing."""

import asyncio
import time


def read_file():
    time.sleep(0.4)


async def handler():
    await asyncio.sleep(0.2)
    await asyncio.get_running_loop().run_in_executor(None, read_file)


async def main():
    await asyncio.gather(handler())


asyncio.run(main())
