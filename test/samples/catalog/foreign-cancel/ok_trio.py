"""Each request has its own nursery: a failing job of the second touches nobody else. Expect nothing."""

import trio


async def refresh():
    await trio.sleep(0.1)
    raise ValueError("refresh failed")


async def first():
    async with trio.open_nursery():
        await trio.sleep(0.6)


async def second():
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(refresh, name="refresh")
    except Exception as error:
        print("request-2:", repr(error)[:120])


async def main():
    async with trio.open_nursery() as server:
        server.start_soon(first, name="request-1")
        server.start_soon(second, name="request-2")


trio.run(main)
