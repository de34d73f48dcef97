"""One task owns the scope from beginning to end; the other cancels it, which any task may. Expect nothing."""

import trio


async def owner(scope, opened):
    with scope:
        opened.set()
        await trio.sleep(10)


async def closer(scope, opened):
    await opened.wait()
    scope.cancel()


async def main():
    scope, opened = trio.CancelScope(), trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(owner, scope, opened, name="owner")
        nursery.start_soon(closer, scope, opened, name="closer")


trio.run(main)
