"""trio as a guest of asyncio: its first steps run inside the task of asyncio that starts it. Expect nothing."""

import asyncio

import trio


async def child():
    await trio.sleep(0.05)


async def guest():
    with trio.move_on_after(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(child)
    return "done"


async def main():
    loop = asyncio.get_running_loop()
    done = loop.create_future()
    trio.lowlevel.start_guest_run(
        guest, run_sync_soon_threadsafe=loop.call_soon_threadsafe, done_callback=done.set_result
    )
    print((await done).unwrap())


asyncio.run(main())
