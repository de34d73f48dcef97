"""An anyio cancel scope is entered by the task `opener` and left by the task `closer`, which gets a RuntimeError.

Expect one `cross-task-exit` with both tasks and both places; that the scope stays behind in `opener` belongs to it.
"""

# also: leaked-scope, scope-outlives-task
import anyio


class Connection:
    def open(self):
        self.scope = anyio.CancelScope()
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
    connection, opened, closed = Connection(), anyio.Event(), anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(opener, connection, opened, closed, name="opener")
        group.start_soon(closer, connection, opened, closed, name="closer")


try:
    anyio.run(main)
except BaseException as error:
    print("main:", repr(error)[:120])
