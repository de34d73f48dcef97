"""The scope is over before the generator yields, and a context manager may yield inside one. Expect nothing."""

import contextlib

import trio


async def rows():
    for number in range(5):
        with trio.move_on_after(5):
            await trio.sleep(0.01)
        yield number


@contextlib.asynccontextmanager
async def patience(seconds):
    with trio.fail_after(seconds):
        yield


async def main():
    async with patience(5):
        async for number in rows():
            print(number)
            await trio.sleep(0.05)


trio.run(main)
