"""The program enters a cancel scope by hand and skips the exit on one path; it ends with the scope open.

Expect one `leaked-scope` at the entry.
"""

# also: scope-outlives-task
import anyio


async def main():
    scope = anyio.CancelScope()
    scope.__enter__()  # @entered
    await anyio.sleep(0.2)
    found = True
    if found:
        return
    scope.__exit__(None, None, None)


anyio.run(main)
