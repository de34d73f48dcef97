"""A trio cancel scope is entered by the task `opener` and left by the task `closer`; trio raises in both.

Expect one `cross-task-exit` with both tasks and both places.
"""

# also: leaked-scope, scope-outlives-task
import trio


class Connection:
    def open(self):
        self.scope = trio.CancelScope()
        self.scope.__enter__()  # @entered

    def close(self):
        self.scope.__exit__(None, None, None)  # @left


async def opener(connection, opened, closed):
    connection.open()
    opened.set()
    await closed.wait()


async def closer(connection, opened, closed):
    await opened.wait()
    try:
        connection.close()
    except RuntimeError as error:
        print("closer:", error)
    closed.set()


async def main():
    connection, opened, closed = Connection(), trio.Event(), trio.Event()
    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(opener, connection, opened, closed, name="opener")
            nursery.start_soon(closer, connection, opened, closed, name="closer")
    except BaseException as error:
        print("nursery:", repr(error)[:120])


trio.run(main)
