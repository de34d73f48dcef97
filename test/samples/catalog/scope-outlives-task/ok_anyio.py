"""The client is entered and left by the task that uses it; the entry is bounded by `fail_after`, in the same task. Expect nothing."""

import anyio


class Client:
    async def __aenter__(self):
        self.group = anyio.create_task_group()
        await self.group.__aenter__()
        return self

    async def __aexit__(self, *details):
        return await self.group.__aexit__(*details)


async def main():
    client = Client()
    with anyio.fail_after(5):
        async with client:
            await anyio.sleep(0.3)


anyio.run(main)
