"""A timeout is entered in a helper task, as `gather(limit.__aenter__())` does it: the helper ends, the timeout stays open.

Expect one `scope-outlives-task` at the entry, with the helper's name. Leaving it from main is the second half of the same incident.
"""

# needs: python>=3.11
# also: cross-task-exit, leaked-scope
import asyncio


class Client:
    async def __aenter__(self):
        self.limit = asyncio.timeout(5)
        await self.limit.__aenter__()  # @entered
        return self

    async def __aexit__(self, *details):
        await self.limit.__aexit__(*details)


async def main():
    client = Client()
    await asyncio.create_task(client.__aenter__(), name="helper")
    await asyncio.sleep(0.5)
    await client.__aexit__(None, None, None)


asyncio.run(main())
