"""A future of the main loop is awaited by a task of a second loop in a thread.

Expect one `wrong-loop` at the await, that names both loops.
"""

# also: exception-never-retrieved
import asyncio
import threading


async def borrow(future):
    try:
        await future  # @used
    except RuntimeError as error:
        print("thread:", str(error)[:100])


async def main():
    future = asyncio.get_running_loop().create_future()
    thread = threading.Thread(target=lambda: asyncio.run(borrow(future)))
    thread.start()
    await asyncio.sleep(0.5)
    thread.join()


asyncio.run(main())
