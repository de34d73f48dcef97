"""An async generator that holds a task group is dropped in mid-iteration: the loop closes it later, in a task of its own.

Expect one `abandoned-generator` at the yield where it was left; the failing exit of the task group belongs to it.
"""

# also: cross-task-exit, yield-in-scope, scope-outlives-task, leaked-scope, exception-never-retrieved, foreign-cancel, cancel-spin
import gc

import anyio


async def feed(number):
    await anyio.sleep(0.05)


async def pages():
    async with anyio.create_task_group() as group:
        for number in range(10):
            group.start_soon(feed, number)
            yield number  # @suspended


async def reader():
    async for number in pages():
        if number == 2:
            break
    await anyio.sleep(0.1)


async def main():
    async with anyio.create_task_group() as group:
        group.start_soon(reader, name="reader")
    gc.collect()
    await anyio.sleep(0.3)


try:
    anyio.run(main)
except BaseException as error:
    print("main:", repr(error)[:120])
