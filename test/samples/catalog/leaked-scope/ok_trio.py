"""The same early return inside `with`. Expect nothing."""

import trio


async def main():
    with trio.CancelScope():
        await trio.sleep(0.2)
        return


trio.run(main)
