"""The failure is awaited, or looked at in a callback. Expect nothing."""

import asyncio


async def refresh():
    await asyncio.sleep(0.1)
    raise ValueError("no such table")


async def main():
    try:
        await asyncio.ensure_future(refresh())
    except ValueError as error:
        print("main:", error)
    task = asyncio.ensure_future(refresh())
    task.add_done_callback(lambda done: print("callback:", done.exception()))
    await asyncio.sleep(0.3)


asyncio.run(main())
