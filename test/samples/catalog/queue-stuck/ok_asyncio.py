"""A slow but living consumer. Expect nothing."""

import asyncio


async def consumer(queue):
    while True:
        await queue.get()
        await asyncio.sleep(0.2)
        queue.task_done()


async def main():
    queue = asyncio.Queue()
    worker = asyncio.ensure_future(consumer(queue))
    for item in range(5):
        queue.put_nowait(item)
    await queue.join()
    worker.cancel()
    await asyncio.gather(worker, return_exceptions=True)


asyncio.run(main())
