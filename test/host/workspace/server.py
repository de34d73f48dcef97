"""Runs until it is ended; its loop idles."""

import asyncio


async def beat(number):
    while True:
        await asyncio.sleep(0.1)  # @beat
        number += 1


async def main():
    print("serving", flush=True)
    tasks = [asyncio.create_task(beat(n), name="beat-%d" % n) for n in range(3)]  # @created
    await asyncio.gather(*tasks)


if __name__ == "__main__":
    asyncio.run(main())
