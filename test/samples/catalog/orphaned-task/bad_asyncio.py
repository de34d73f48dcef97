"""A task is started and no reference is kept: the collector takes it in the middle of its work.

Its future is referenced by nothing but the task itself, as with a callback-based client whose connection is gone.
Expect one `orphaned-task` at the place where it was started.
"""

import asyncio
import gc


async def reply():
    await asyncio.get_running_loop().create_future()


async def handler():
    asyncio.ensure_future(reply())  # @started
    await asyncio.sleep(0.2)


async def main():
    await handler()
    gc.collect()
    await asyncio.sleep(0.4)


asyncio.run(main())
