"""The generator holds nothing while it yields and is closed where it was used. Expect nothing."""

import asyncio
import contextlib
import gc


async def pages():
    for number in range(10):
        await asyncio.sleep(0.001)
        yield number


class aclosing(contextlib.AsyncExitStack):
    """`contextlib.aclosing`, which Python 3.8 and 3.9 do not have."""

    def __init__(self, generator):
        super().__init__()
        self.generator = generator
        self.push_async_callback(generator.aclose)

    async def __aenter__(self):
        return self.generator


async def reader():
    async with aclosing(pages()) as numbers:
        async for number in numbers:
            if number == 2:
                break
    await asyncio.sleep(0.1)


async def main():
    await asyncio.create_task(reader(), name="reader")
    gc.collect()
    await asyncio.sleep(0.3)


asyncio.run(main())
