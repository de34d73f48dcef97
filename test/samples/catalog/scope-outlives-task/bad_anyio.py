"""A task group is entered in a helper task (`asyncio.gather(group.__aenter__())`): the helper ends, the group stays open.

Expect one `scope-outlives-task` at the entry, with the helper's name.
"""

# also: cross-task-exit, leaked-scope, cancel-spin
import asyncio

import anyio


class Client:
    async def __aenter__(self):
        self.group = anyio.create_task_group()
        await self.group.__aenter__()  # @entered
        return self

    async def __aexit__(self, *details):
        await self.group.__aexit__(*details)


async def main():
    client = Client()
    await asyncio.gather(client.__aenter__())
    await anyio.sleep(0.5)
    try:
        await client.__aexit__(None, None, None)
    except RuntimeError as error:
        print("main:", error)


anyio.run(main)
