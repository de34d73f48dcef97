"""Starts a child process that has a loop of its own."""

import asyncio
import subprocess
import sys

CHILD = """
import asyncio
async def child_work():
    await asyncio.sleep(3)
async def main():
    await asyncio.gather(*(asyncio.create_task(child_work(), name='child-%d' % n) for n in range(4)))
asyncio.run(main())
"""


async def main():
    process = subprocess.Popen([sys.executable, "-c", CHILD])
    await asyncio.to_thread(process.wait)
    print("child ended")


if __name__ == "__main__":
    asyncio.run(main())
