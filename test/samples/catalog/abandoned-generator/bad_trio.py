"""An async generator that holds a cancel scope is dropped in mid-iteration: trio closes it from a system task.

Expect one `abandoned-generator` at the yield where it was left.
"""

# also: cross-task-exit, yield-in-scope, scope-outlives-task, leaked-scope, out-of-order-exit
import gc

import trio


async def pages():
    with trio.CancelScope():
        for number in range(10):
            await trio.sleep(0)
            yield number  # @suspended


async def reader():
    async for number in pages():
        if number == 2:
            break
    gc.collect()
    await trio.sleep(0.3)


async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reader, name="reader")


try:
    trio.run(main)
except BaseException as error:
    print("main:", repr(error)[:120])
