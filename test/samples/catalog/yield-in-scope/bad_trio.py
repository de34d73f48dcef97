"""An async generator yields inside a cancel scope. Nothing fails here, the consumer is well-behaved.

Expect one `yield-in-scope` at the yield.
"""

import trio


async def rows():
    with trio.move_on_after(5):
        for number in range(5):
            yield number  # @yields


async def main():
    async for number in rows():
        print(number)
        await trio.sleep(0.1)


trio.run(main)
