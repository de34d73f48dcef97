"""A child process by `multiprocessing` with tasks of its own: `spawning.py spawn|fork|forkserver`."""

import asyncio
import multiprocessing
import sys


async def child_work(number):
    await asyncio.sleep(30)


async def child_main():
    await asyncio.gather(*(asyncio.ensure_future(child_work(n)) for n in range(4)))


def in_child():
    asyncio.run(child_main())


if __name__ == "__main__":
    process = multiprocessing.get_context(sys.argv[1]).Process(target=in_child, daemon=True)
    process.start()
    print("started", flush=True)
    process.join()
