"""The task cleans up and re-raises. Expect nothing."""

import asyncio


async def poll():
    try:
        while True:
            await asyncio.sleep(0.3)
    except asyncio.CancelledError:
        await asyncio.sleep(0.1)
        raise


async def main():
    poller = asyncio.ensure_future(poll())
    await asyncio.sleep(0.1)
    poller.cancel()
    await asyncio.gather(poller, return_exceptions=True)
    await asyncio.sleep(1.5)


asyncio.run(main())
