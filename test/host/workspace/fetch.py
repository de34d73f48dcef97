"""Two tasks that fetch; ends by itself."""

import asyncio


async def fetch(name, delay):
    parts = [name]
    await asyncio.sleep(delay)  # @waits
    parts.append("done")
    result = " ".join(parts)  # @bp
    return result


async def main():
    first = asyncio.create_task(fetch("first", 0.05), name="first")
    second = asyncio.create_task(fetch("second", 0.3), name="second")
    print(await first)
    print(await second)


if __name__ == "__main__":
    asyncio.run(main())
    print("fetched")
