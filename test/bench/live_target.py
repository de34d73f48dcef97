"""A task is born, named after the present moment (ms since 1970), and ends: CHANGES things a second, for SECONDS: `live_target.py CHANGES SECONDS`."""

import asyncio
import sys
import time

CHANGES, SECONDS = int(sys.argv[1]), float(sys.argv[2])
#: birth, first wait, end
CHANGES_PER_TASK = 3


async def life():
    await asyncio.sleep(0.5)


async def main():
    end = time.time() + SECONDS
    per_turn = max(1, CHANGES // CHANGES_PER_TASK // 100)
    while time.time() < end:
        for _ in range(per_turn):
            task = asyncio.ensure_future(life())
            task.set_name("t %.3f" % (time.time() * 1000))
        await asyncio.sleep(0.01)


asyncio.run(main())
