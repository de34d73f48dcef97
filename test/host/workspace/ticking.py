"""Runs until it is ended, with two tickers: `ticking.py LIBRARY`."""

import sys

from libraries import use


async def ticker(number):
    count = 0
    while True:
        await sleep(0.05)
        count += number  # @tick


async def main():
    print("ready", flush=True)
    async with group() as tickers:
        start(tickers, ticker, 1)
        start(tickers, ticker, 2)


group, start, cancel, sleep, run = use(sys.argv[1])
run(main)
