# ruff: noqa: F841 (variables are there to be looked at)
"""One path to step along, the same on every library: `tour.py asyncio|uvloop|anyio|anyio-trio|trio`. Siblings run the same code."""

import contextvars
import sys

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


def on_asyncio():
    import asyncio

    class Group:
        """TaskGroup with what is needed here, on every Python."""

        async def __aenter__(self):
            self.tasks = []
            return self

        async def __aexit__(self, *_):
            await asyncio.gather(*self.tasks, return_exceptions=True)

    def start(to, function):
        to.tasks.append(asyncio.ensure_future(function()))

    def cancel(these):
        for task in these.tasks:
            task.cancel()

    return Group, start, cancel, asyncio.sleep


def on_anyio():
    import anyio

    return (
        anyio.create_task_group,
        lambda to, function: to.start_soon(function),
        lambda these: these.cancel_scope.cancel(),
        anyio.sleep,
    )


def on_trio():
    import trio

    return (
        trio.open_nursery,
        lambda to, function: to.start_soon(function),
        lambda these: these.cancel_scope.cancel(),
        trio.sleep,
    )


if __name__ == "__main__":
    library = sys.argv[1]
    if library in ("asyncio", "uvloop"):
        import asyncio

        group, start, cancel, sleep = on_asyncio()
        if library == "uvloop":
            import uvloop

            uvloop.install()
        asyncio.run(tour())  # @run
    elif library == "trio":
        import trio

        group, start, cancel, sleep = on_trio()
        trio.run(tour)  # @run-trio
    else:
        import anyio

        group, start, cancel, sleep = on_anyio()
        anyio.run(tour, backend="trio" if library == "anyio-trio" else "asyncio")  # @run-anyio
    print("module end")
