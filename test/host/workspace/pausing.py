"""A loop that idles, spins or is blocked: `pausing.py LIBRARY idle|spin|block`."""

import sys
import time

from libraries import use


async def waiting():
    await sleep(3600)


async def spinning():
    while True:
        sum(range(1000))  # @spin
        await sleep(0)


async def blocking():
    end = time.monotonic() + 3600
    while time.monotonic() < end:
        time.sleep(0.01)  # @block


async def main():
    print("ready", flush=True)
    async with group() as tasks:
        start(tasks, waiting)
        if kind == "spin":
            start(tasks, spinning)
        elif kind == "block":
            await sleep(0.05)
            start(tasks, blocking)


library, kind = sys.argv[1], sys.argv[2]
group, start, cancel, sleep, run = use(library)
run(main)
