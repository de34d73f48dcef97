# ruff: noqa: F841 (variables are there to be looked at)
"""One path to step along, the same on every library: `tour.py asyncio|uvloop|anyio|anyio-trio|trio`. Siblings run the same code."""

import contextvars
import sys

from libraries import use

my = contextvars.ContextVar("my", default=False)


def MY():
    return my.get()


#: How far the tour is: in the task group when true.
in_group = False


async def child():
    a = 1  # @first
    await sleep(0.02)  # @await
    a += 1  # @after
    return a  # @return


async def tail():
    x = 1  # @tail-first
    return await child()  # @tail-last


async def sibling():
    while True:
        await tail()


async def tour():
    async with group() as siblings:
        for _ in range(3):
            start(siblings, sibling)
        await sleep(0.05)
        my.set(True)
        before = 1  # @before
        value = await tail()  # @call
        value += 1  # @called
        global in_group
        in_group = True
        async with group() as one:  # @group
            start(one, child)
        done = 1  # @group-after
        print("toured", value)
        cancel(siblings)
    last = 1  # @last


if __name__ == "__main__":
    group, start, cancel, sleep, run = use(sys.argv[1])
    run(tour)
    print("module end")
