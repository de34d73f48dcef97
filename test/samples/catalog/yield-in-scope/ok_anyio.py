"""The scope is over before the generator yields, and a context manager may yield inside one. Expect nothing."""

import contextlib

import anyio


async def rows():
    for number in range(5):
        with anyio.move_on_after(5):
            await anyio.sleep(0.01)
        yield number


@contextlib.asynccontextmanager
async def patience(seconds):
    with anyio.fail_after(seconds):
        yield


async def main():
    async with patience(5):
        async for number in rows():
            print(number)
            await anyio.sleep(0.05)


anyio.run(main)
