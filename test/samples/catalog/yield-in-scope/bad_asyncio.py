"""An async generator yields inside `asyncio.timeout`: the timeout now counts the time of whoever iterates.

Nothing fails here, the consumer is well-behaved. Expect one `yield-in-scope` at the yield, with the place of the timeout.
"""

# needs: python>=3.11
import asyncio


async def rows():
    async with asyncio.timeout(5):
        for number in range(5):
            yield number  # @yields


async def main():
    async for number in rows():
        print(number)
        await asyncio.sleep(0.1)


asyncio.run(main())
