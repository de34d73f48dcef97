"""One way to write a program for every library: `group, start, cancel, sleep, run = use(name)`."""

LIBRARIES = ("asyncio", "uvloop", "anyio", "anyio-trio", "trio")


def _on_asyncio(uvloop):
    import asyncio

    if uvloop:
        import uvloop

        uvloop.install()

    class Group:
        """TaskGroup with what is needed here, on every Python."""

        async def __aenter__(self):
            self.tasks = []
            return self

        async def __aexit__(self, *_):
            await asyncio.gather(*self.tasks, return_exceptions=True)

    def start(group, function, *args):
        group.tasks.append(asyncio.ensure_future(function(*args)))

    def cancel(group):
        for task in group.tasks:
            task.cancel()

    return Group, start, cancel, asyncio.sleep, lambda function: asyncio.run(function())


def _start(group, function, *args):
    group.start_soon(function, *args)


def _cancel(group):
    group.cancel_scope.cancel()


def use(name):
    if name in ("asyncio", "uvloop"):
        return _on_asyncio(name == "uvloop")
    if name == "trio":
        import trio

        return trio.open_nursery, _start, _cancel, trio.sleep, trio.run
    import anyio

    backend = "trio" if name == "anyio-trio" else "asyncio"
    return anyio.create_task_group, _start, _cancel, anyio.sleep, lambda function: anyio.run(function, backend=backend)
