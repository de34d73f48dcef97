"""The program enters a cancel scope by hand and skips the exit on one path; it ends with the scope open, and trio raises.

Expect one `leaked-scope` at the entry.
"""

# also: scope-outlives-task
import trio


async def main():
    scope = trio.CancelScope()
    scope.__enter__()  # @entered
    await trio.sleep(0.2)
    found = True
    if found:
        return
    scope.__exit__(None, None, None)


try:
    trio.run(main)
except BaseException as error:
    print("main:", repr(error)[:120])
