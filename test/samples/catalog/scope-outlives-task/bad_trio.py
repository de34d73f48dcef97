"""A cancel scope is entered in a helper task that ends with it open; trio raises when the helper ends.

Expect one `scope-outlives-task` at the entry, with the helper's name.
"""

# also: cross-task-exit, leaked-scope
import trio


class Client:
    async def open(self):
        self.scope = trio.CancelScope()
        self.scope.__enter__()  # @entered
        await trio.sleep(0.1)


async def main():
    client = Client()
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(client.open, name="helper")
    except BaseException as error:
        print("main:", repr(error)[:120])
    await trio.sleep(0.3)


trio.run(main)
