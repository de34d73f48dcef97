"""A task catches its cancellation and goes on polling, so whoever cancelled it waits in vain.

Expect one `swallowed-cancellation` for the task `poller`, with the place where it goes on and the one that cancelled it.
"""

import asyncio


async def poll():
    for _ in range(8):
        try:
            await asyncio.sleep(0.3)  # @went-on
        except asyncio.CancelledError:
            print("poller: not now")


async def main():
    poller = asyncio.ensure_future(poll())
    await asyncio.sleep(0.1)
    poller.cancel()  # @cancelled
    await poller


asyncio.run(main())
