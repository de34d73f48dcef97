"""Last in, first out. Expect nothing."""

import trio


async def main():
    outer, inner = trio.CancelScope(), trio.CancelScope()
    outer.__enter__()
    inner.__enter__()
    await trio.sleep(0.2)
    inner.__exit__(None, None, None)
    outer.__exit__(None, None, None)


trio.run(main)
