"""`many.py N`: N tasks asleep, then a stop."""

import asyncio
import sys


async def sleeper(i):
    await asyncio.sleep(600)


async def main(count):
    tasks = [asyncio.create_task(sleeper(i)) for i in range(count)]
    await asyncio.sleep(0.3)
    print(len(tasks))  # @stop
    for task in tasks:
        task.cancel()


asyncio.run(main(int(sys.argv[1])))
