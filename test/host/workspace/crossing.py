"""An anyio or asyncio scope is left by another task than entered it: `crossing.py uvloop|anyio-trio`."""

import sys

import anyio
from libraries import use


async def opener(scope, opened, closed):
    scope.__enter__()
    opened.set()
    await closed.wait()


async def closer(scope, opened, closed):
    await opened.wait()
    try:
        scope.__exit__(None, None, None)  # @left
    except RuntimeError as error:
        print("closer:", error)
    closed.set()


async def main():
    scope, opened, closed = anyio.CancelScope(), anyio.Event(), anyio.Event()
    async with group() as both:
        start(both, opener, scope, opened, closed)
        start(both, closer, scope, opened, closed)


group, start, cancel, sleep, run = use(sys.argv[1])
run(main)
