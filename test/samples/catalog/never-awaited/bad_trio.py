"""`save()` is called without `await`: it never runs.

Expect one `never-awaited` that names the coroutine `save`, at the place where it was made.
"""

import trio


async def save(order):
    print("saved", order)


async def handler():
    save(42)  # @made
    await trio.sleep(0.3)


async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(handler, name="handler")


trio.run(main)
