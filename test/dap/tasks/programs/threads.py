"""A task to step in, with other threads alive."""

import asyncio
import threading


async def main():
    end = threading.Event()
    for _ in range(3):
        threading.Thread(target=end.wait, daemon=True).start()
    await asyncio.sleep(0.1)
    count = 0
    while count < 100:  # @stop
        count += 1
        count += 1
    end.set()


asyncio.run(main())
