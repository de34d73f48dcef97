"""Two cancel scopes of one task are left in the order in which they were entered; anyio raises.

Expect one `out-of-order-exit` where the outer one is left while the inner one is open.
"""

# also: leaked-scope
import anyio


async def main():
    outer, inner = anyio.CancelScope(), anyio.CancelScope()
    outer.__enter__()  # @entered
    inner.__enter__()
    await anyio.sleep(0.2)
    try:
        outer.__exit__(None, None, None)  # @left
    except RuntimeError as error:
        print("main:", error)
    inner.__exit__(None, None, None)
    outer.__exit__(None, None, None)


anyio.run(main)
