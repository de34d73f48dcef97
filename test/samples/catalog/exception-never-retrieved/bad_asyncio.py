"""A background task fails and nobody looks at it.

Expect one `exception-never-retrieved` with the place that started the task.
"""

import asyncio
import gc


async def refresh():
    await asyncio.sleep(0.1)
    raise ValueError("no such table")


async def handler():
    task = asyncio.ensure_future(refresh())  # @started
    await asyncio.sleep(0.3)
    print("done:", task.done())


async def main():
    await handler()
    gc.collect()
    await asyncio.sleep(0.3)


asyncio.run(main())
