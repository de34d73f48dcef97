"""An async generator that holds a timeout is dropped in mid-iteration: the loop closes it later, in a task of its own.

Expect one `abandoned-generator` at the yield where it was left; leaving the timeout in another task belongs to it.
"""

# needs: python>=3.11
# also: cross-task-exit, yield-in-scope, scope-outlives-task, leaked-scope
import asyncio
import gc


async def pages():
    async with asyncio.timeout(5):
        for number in range(10):
            yield number  # @suspended


async def reader():
    async for number in pages():
        if number == 2:
            break
    await asyncio.sleep(0.1)


async def main():
    await asyncio.create_task(reader(), name="reader")
    gc.collect()
    await asyncio.sleep(0.3)


asyncio.run(main())
