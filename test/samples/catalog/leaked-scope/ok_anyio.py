"""The same early return inside `with`. Expect nothing."""

import anyio


async def main():
    with anyio.CancelScope():
        await anyio.sleep(0.2)
        return


anyio.run(main)
