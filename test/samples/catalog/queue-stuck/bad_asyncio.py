"""The only consumer dies of an exception; `queue.join()` waits for work that nobody will do.

Expect one `queue-stuck` at the join.
"""

# also: exception-never-retrieved
import asyncio


async def consumer(queue):
    while True:
        item = await queue.get()
        if item == 2:
            raise ValueError("cannot digest 2")
        queue.task_done()


async def produce(queue):
    for item in range(5):
        queue.put_nowait(item)
    await queue.join()  # @joins


async def main():
    queue = asyncio.Queue()
    worker = asyncio.ensure_future(consumer(queue))
    try:
        await asyncio.wait_for(produce(queue), 2)
    except asyncio.TimeoutError:
        print("main: gave up")
    await asyncio.gather(worker, return_exceptions=True)


asyncio.run(main())
