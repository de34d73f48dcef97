"""The worker enters a timeout by hand and skips the exit on one path; it ends with the timeout open.

Expect one `leaked-scope` at the entry.
"""

# needs: python>=3.11
# also: scope-outlives-task
import asyncio


async def main():
    limit = asyncio.timeout(60)
    await limit.__aenter__()  # @entered
    await asyncio.sleep(0.2)
    found = True
    if found:
        return
    await limit.__aexit__(None, None, None)


asyncio.run(main())
