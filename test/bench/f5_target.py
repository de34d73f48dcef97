"""The smallest asyncio program: says that it has started, then comes to a line to stop at."""

print("started", flush=True)

import asyncio  # noqa: E402 (the first line is what is timed)


async def main():
    return 1  # @stop


asyncio.run(main())
