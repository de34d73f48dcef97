"""Runs until it is ended from outside."""

import asyncio
import os
import sys


async def ticker(name):
    while True:
        await asyncio.sleep(0.02)  # @tick


async def main():
    tasks = [asyncio.ensure_future(ticker(n)) for n in ("a", "b")]
    print("ready", os.getpid(), flush=True)
    await asyncio.gather(*tasks)


asyncio.run(main())
sys.exit(0)
