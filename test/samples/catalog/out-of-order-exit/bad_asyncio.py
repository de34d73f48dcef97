"""Two timeouts of one task are left in the order in which they were entered. Nothing is raised.

Expect one `out-of-order-exit` where the outer one is left while the inner one is open.
"""

# needs: python>=3.11
import asyncio


async def main():
    outer, inner = asyncio.timeout(5), asyncio.timeout(3)
    await outer.__aenter__()  # @entered
    await inner.__aenter__()
    await asyncio.sleep(0.2)
    await outer.__aexit__(None, None, None)  # @left
    await inner.__aexit__(None, None, None)


asyncio.run(main())
