"""Two cancel scopes of one task are left in the order in which they were entered; trio raises.

Expect one `out-of-order-exit` where the outer one is left while the inner one is open.
"""

# also: leaked-scope
import trio


async def main():
    outer, inner = trio.CancelScope(), trio.CancelScope()
    outer.__enter__()  # @entered
    inner.__enter__()
    await trio.sleep(0.2)
    for scope in (outer, inner):
        try:
            scope.__exit__(None, None, None)  # @left
        except RuntimeError as error:
            print("main:", error)


trio.run(main)
