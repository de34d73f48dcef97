"""Costs of the probe's hooks: added CPU nanoseconds per operation, probe on against probe off, alternating in one process.

    python test/python/bench_micro.py [--detail light|standard|full] [--pairs N] [--only NAME,...]

Prints one JSON object: `{"python", "detail", "pairs", "results": {name: {"plainNs", "addedNs", "spreadNs", "ratio"}}}`.
`addedNs` is the median over the pairs of the difference in the CPU time of the program's own thread; `totalAddedNs` counts
the whole process, so with the probe's thread that drains, encodes and writes meanwhile. Each process measures one side of a
pair (hooks cannot be taken out as if they had never been in), started alternately: A B A B ...
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(os.path.dirname(os.path.dirname(HERE)), "src", "python")


async def noop():
    pass


async def deep(function, depth, count):
    """Run `function(count)` under a coroutine stack of `depth`."""
    if depth:
        return await deep(function, depth - 1, count)
    return await function(count)


async def task(count):
    for _ in range(count):
        await asyncio.create_task(noop())


async def turn(count):
    for _ in range(count):
        await asyncio.sleep(0)


async def lock(count):
    one = asyncio.Lock()
    for _ in range(count):
        async with one:
            pass


async def contended(count):
    one = asyncio.Lock()

    async def user():
        for _ in range(count // 2):
            async with one:
                await asyncio.sleep(0)

    await asyncio.gather(user(), user())


async def scope(count):
    import anyio

    for _ in range(count):
        with anyio.CancelScope():
            pass


async def anyio_group(count):
    import anyio

    for _ in range(count):
        async with anyio.create_task_group() as group:
            group.start_soon(noop)


async def timeout(count):
    for _ in range(count):
        async with asyncio.timeout(60):
            pass


async def group(count):
    for _ in range(count):
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(noop())


#: name -> (function, operations per round)
BENCHES = {
    "task": (task, 4000),
    "turn": (turn, 10000),
    "lock": (lock, 10000),
    "contended": (contended, 4000),
    "scope": (scope, 5000),
    "anyio_group": (anyio_group, 800),
}
if sys.version_info >= (3, 11):
    BENCHES["timeout"] = (timeout, 4000)
    BENCHES["group"] = (group, 1500)


def measure(names, rounds):
    """{name: [ns of this thread per operation, ns of the process per operation]} : the median round."""
    found = {}
    loop = asyncio.new_event_loop()
    for name in names:
        function, count = BENCHES[name]
        loop.run_until_complete(deep(function, 3, count))
        own = []
        whole = []
        for _ in range(rounds):
            thread, process = time.thread_time_ns(), time.process_time_ns()
            loop.run_until_complete(deep(function, 3, count))
            own.append((time.thread_time_ns() - thread) / count)
            # Let the probe's thread finish with what this round made, and count that too.
            time.sleep(0.12)
            whole.append((time.process_time_ns() - process) / count)
        found[name] = [statistics.median(own), statistics.median(whole)]
    loop.close()
    return found


def one_side(options):
    names = options.only.split(",") if options.only else list(BENCHES)
    if not (set(names) & {"scope", "anyio_group"}):
        pass
    else:
        try:
            import anyio  # noqa: F401
        except ImportError:
            names = [name for name in names if name not in ("scope", "anyio_group")]
    if options.side == "probe":
        sys.path.insert(0, SOURCE)
        from async_health import _ah_boot

        start = {"sink": "file:" + os.devnull, "detail": options.detail, "tickMs": 50}
        if options.features:
            start["features"] = options.features.split(",")
        _ah_boot.start(start)
    print(json.dumps(measure(names, options.rounds)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--detail", default="standard")
    parser.add_argument("--pairs", type=int, default=7)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--features", default="", help="only these modules of the probe (comma)")
    parser.add_argument("--side", choices=["plain", "probe"])
    options = parser.parse_args()
    if options.side:
        one_side(options)
        return
    sides = {"plain": [], "probe": []}
    for _ in range(options.pairs):
        for side in ("plain", "probe"):
            command = [sys.executable, os.path.abspath(__file__), "--side", side, "--detail", options.detail]
            command += ["--rounds", str(options.rounds), "--only", options.only, "--features", options.features]
            sides[side].append(json.loads(subprocess.check_output(command, timeout=300)))
    results = {}
    for name in sides["plain"][0]:
        plain = [run[name] for run in sides["plain"]]
        probe = [run[name] for run in sides["probe"]]
        added = sorted(b[0] - a[0] for a, b in zip(plain, probe))
        total = [b[1] - a[1] for a, b in zip(plain, probe)]
        base = statistics.median(run[0] for run in plain)
        results[name] = {
            "plainNs": round(base),
            "addedNs": round(statistics.median(added)),
            "totalAddedNs": round(statistics.median(total)),
            "spreadNs": round(added[-1] - added[0]),
            "ratio": round(1 + statistics.median(added) / base, 3),
        }
    out = {"python": sys.version.split()[0], "detail": options.detail, "pairs": options.pairs, "results": results}
    print(json.dumps(out, indent=1))


if __name__ == "__main__":
    main()
