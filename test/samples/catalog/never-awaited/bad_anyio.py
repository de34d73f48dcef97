"""`save()` is called without `await`: it never runs.

Expect one `never-awaited` that names the coroutine `save`, at the place where it was made.
"""

import anyio


async def save(order):
    print("saved", order)


async def handler():
    save(42)  # @made
    await anyio.sleep(0.3)


async def main():
    async with anyio.create_task_group() as group:
        group.start_soon(handler, name="handler")


anyio.run(main)
