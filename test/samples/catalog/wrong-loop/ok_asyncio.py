"""The thread hands its work to the loop that owns the future. Expect nothing."""

import asyncio
import threading


def deliver(loop, future):
    loop.call_soon_threadsafe(future.set_result, 42)


async def main():
    loop = asyncio.get_running_loop()
    future = loop.create_future()
    thread = threading.Thread(target=deliver, args=(loop, future))
    thread.start()
    print(await future)
    thread.join()
    await asyncio.sleep(0.2)


asyncio.run(main())
