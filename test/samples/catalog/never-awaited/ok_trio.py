"""It is awaited; a coroutine that is closed on purpose is no mistake either. Expect nothing."""

import trio


async def save(order):
    await trio.sleep(0)
    print("saved", order)


async def main():
    await save(42)
    unused = save(43)
    unused.close()
    await trio.sleep(0.2)


trio.run(main)
