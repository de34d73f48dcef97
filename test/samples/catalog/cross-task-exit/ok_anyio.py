"""One task owns the scope from beginning to end; the other cancels it, which any task may. Expect nothing."""

import anyio


async def owner(scope, opened):
    with scope:
        opened.set()
        await anyio.sleep(10)


async def closer(scope, opened):
    await opened.wait()
    scope.cancel()


async def main():
    scope, opened = anyio.CancelScope(), anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(owner, scope, opened, name="owner")
        group.start_soon(closer, scope, opened, name="closer")


anyio.run(main)
