"""Last in, first out. Expect nothing."""

import anyio


async def main():
    outer, inner = anyio.CancelScope(), anyio.CancelScope()
    outer.__enter__()
    inner.__enter__()
    await anyio.sleep(0.2)
    inner.__exit__(None, None, None)
    outer.__exit__(None, None, None)


anyio.run(main)
