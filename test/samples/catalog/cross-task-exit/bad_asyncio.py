"""`asyncio.timeout` is entered by the task `opener` and left by the task `closer`.

Nothing is raised: the timeout simply guards the wrong task. Expect one `cross-task-exit` with both tasks and both places.
"""

# needs: python>=3.11
import asyncio


class Connection:
    async def open(self):
        self.limit = asyncio.timeout(5)
        await self.limit.__aenter__()  # @entered

    async def close(self):
        await self.limit.__aexit__(None, None, None)  # @left


async def opener(connection, opened, closed):
    await connection.open()
    opened.set()
    await closed.wait()


async def closer(connection, opened, closed):
    await opened.wait()
    await connection.close()
    closed.set()


async def main():
    connection, opened, closed = Connection(), asyncio.Event(), asyncio.Event()
    await asyncio.gather(
        asyncio.create_task(opener(connection, opened, closed), name="opener"),
        asyncio.create_task(closer(connection, opened, closed), name="closer"),
    )


asyncio.run(main())
