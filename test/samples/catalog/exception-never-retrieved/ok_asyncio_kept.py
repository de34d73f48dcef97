"""Failures of tasks that are kept: one is looked at a little later, one by a task that waits for both. Expect nothing."""

# options: {"thresholds": {"unseenFailureMs": 500}}

import asyncio


async def consume(seconds):
    await asyncio.sleep(seconds)
    raise ConnectionError("the broker is gone")


async def main():
    first = asyncio.ensure_future(consume(0.05))
    await asyncio.sleep(0.3)
    print("first:", first.exception())
    both = [asyncio.ensure_future(consume(0.05)), asyncio.ensure_future(consume(0.2))]
    print(await asyncio.gather(*both, return_exceptions=True))
    await asyncio.sleep(0.8)


asyncio.run(main())
