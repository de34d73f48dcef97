"""A scope is entered by one task and left by another; the program runs on."""

import asyncio

import anyio


class Session:
    async def open(self):
        self.group = anyio.create_task_group()
        await self.group.__aenter__()  # @entered

    async def close(self):
        await self.group.__aexit__(None, None, None)  # @left


async def main():
    session = Session()
    await asyncio.create_task(session.open(), name="opener")
    try:
        await asyncio.create_task(session.close(), name="closer")
    except RuntimeError as error:
        print("close failed:", error, flush=True)
    while True:
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    asyncio.run(main())
