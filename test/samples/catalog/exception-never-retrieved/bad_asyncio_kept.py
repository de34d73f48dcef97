"""A background worker dies and an attribute keeps it: Python never says a word, the program just stops doing its work.

Expect one `exception-never-retrieved` with the place that started the worker. That somebody looks at last does not undo it.
"""

# options: {"thresholds": {"unseenFailureMs": 300}}

import asyncio


class Service:
    def start(self):
        self.worker = asyncio.ensure_future(self.consume())  # @started

    async def consume(self):
        await asyncio.sleep(0.1)
        raise ConnectionError("the broker is gone")


async def main():
    service = Service()
    service.start()
    await asyncio.sleep(1.2)
    try:
        await service.worker
    except ConnectionError as error:
        print("only at shutdown:", error)


asyncio.run(main())
