"""The task group lives outside, and hands out a channel instead of a generator. Expect nothing."""

import anyio


async def pages(send):
    async with send:
        for number in range(3):
            await send.send(number)


async def main():
    send, receive = anyio.create_memory_object_stream(1)
    async with anyio.create_task_group() as group:
        group.start_soon(pages, send, name="pages")
        async with receive:
            async for number in receive:
                print(number)


anyio.run(main)
