"""Longest gap between two turns of a loop in which TASKS tasks live: `python stall.py MODE TASKS SECONDS [snapshots]`.

A heartbeat runs every millisecond; some of the tasks change what they wait for all the time. With `snapshots` the probe is asked for a
complete one each half second. Prints {"worst_ms", "p99_ms", "probe_cpu"} (CPU of the probe's thread, share of one core).
"""

import gc
import json
import sys
import time

import modes

MODE, TASKS, SECONDS = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
modes.activate(MODE)

import asyncio  # noqa: E402


async def waiter(event):
    await event.wait()


async def busy():
    while True:
        await asyncio.sleep(0.05)


async def heartbeat(gaps):
    end = time.perf_counter() + SECONDS
    before = time.perf_counter()
    while before < end:
        await asyncio.sleep(0.001)
        now = time.perf_counter()
        gaps.append(now - before - 0.001)
        before = now


def ask_snapshots():
    if "snapshots" not in sys.argv or MODE not in modes.PROBE:
        return None
    package = sys.modules["async_health"]
    return lambda: package._rpc(json.dumps({"id": 1, "method": "sync", "params": {}}))


async def snapshots(ask):
    while ask is not None:
        ask()
        await asyncio.sleep(0.5)


async def main():
    modes.install(MODE, asyncio.get_running_loop())
    event = asyncio.Event()
    tasks = [asyncio.ensure_future(waiter(event)) for _ in range(TASKS - 50)]
    tasks += [asyncio.ensure_future(busy()) for _ in range(50)]
    asking = asyncio.ensure_future(snapshots(ask_snapshots()))
    await asyncio.sleep(1.0)
    gc.collect()
    gc.freeze()  # the collector's own pauses grow with the tasks; they are not what is measured
    gc.disable()
    gaps = []
    await heartbeat(gaps)
    gaps.sort()
    print(
        json.dumps({"worst_ms": gaps[-1] * 1000, "p99_ms": gaps[len(gaps) * 99 // 100] * 1000, "tasks": len(tasks)}),
        flush=True,
    )
    asking.cancel()
    modes.finish()


asyncio.run(main())
