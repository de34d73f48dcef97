"""The generator holds nothing while it yields and is closed where it was used. Expect nothing."""

import trio


async def pages():
    for number in range(10):
        await trio.sleep(0)
        yield number


async def main():
    numbers = pages()
    try:
        async for number in numbers:
            if number == 2:
                break
    finally:
        await numbers.aclose()
    await trio.sleep(0.2)


trio.run(main)
