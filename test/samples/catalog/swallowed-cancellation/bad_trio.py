"""A task catches the cancellation of its nursery once and goes on in a shielded scope: the nursery is not over when it should be.

Expect one `swallowed-cancellation` for the task `poller`, with the place where it goes on and the one that cancelled it.
"""

import trio


async def poll():
    try:
        await trio.sleep(5)
    except trio.Cancelled:
        print("poller: not now")
    with trio.CancelScope(shield=True):
        for _ in range(8):
            await trio.sleep(0.3)  # @went-on


async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(poll, name="poller")
        await trio.sleep(0.1)
        nursery.cancel_scope.cancel()  # @cancelled


trio.run(main)
