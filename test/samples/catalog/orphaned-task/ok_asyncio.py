"""Background tasks are kept in a set until they are done. Expect nothing."""

import asyncio
import gc

background = set()


async def reply():
    await asyncio.sleep(0.3)


async def handler():
    task = asyncio.ensure_future(reply())
    background.add(task)
    task.add_done_callback(background.discard)


async def main():
    await handler()
    gc.collect()
    await asyncio.sleep(0.1)
    await asyncio.gather(*background)


asyncio.run(main())
