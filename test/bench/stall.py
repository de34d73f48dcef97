"""Longest gap between two turns of a loop in which TASKS tasks live: `python stall.py MODE TASKS SECONDS [snapshots]`.

A heartbeat runs every millisecond; some of the tasks change what they wait for all the time. With `snapshots` the probe is asked for a
complete one each half second. Prints {"worst_ms", "p99_ms", "wall_worst_ms", "tasks"}.

Where the kernel tells (Linux), the time during which this process was ready to run and other processes had the cores is taken off
each gap: a busy machine would be measured otherwise. `wall_worst_ms` is the longest gap with that time in it.
"""

import gc
import json
import os
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


class Waits:
    """ns that the threads of this process have stood in the kernel's queue for a core so far."""

    def __init__(self):
        self.files = []
        try:
            for thread in os.listdir("/proc/self/task"):
                self.files.append(os.open("/proc/self/task/%s/schedstat" % thread, os.O_RDONLY))
        except OSError:
            pass

    def read(self):
        total = 0
        for file in self.files:
            total += int(os.pread(file, 100, 0).split()[1])
        return total


async def heartbeat(gaps, waits):
    """Appends (gap, gap without waiting for a core), in seconds."""
    end = time.perf_counter() + SECONDS
    before, waited_before = time.perf_counter(), waits.read()
    while before < end:
        await asyncio.sleep(0.001)
        now, waited = time.perf_counter(), waits.read()
        gap = now - before - 0.001
        gaps.append((gap, max(0.0, gap - (waited - waited_before) / 1e9)))
        before, waited_before = now, waited


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
    await heartbeat(gaps, Waits())
    clean = sorted(clean for _gap, clean in gaps)
    result = {
        "worst_ms": clean[-1] * 1000,
        "p99_ms": clean[len(clean) * 99 // 100] * 1000,
        "wall_worst_ms": max(gap for gap, _clean in gaps) * 1000,
        "tasks": len(tasks),
    }
    print(json.dumps(result), flush=True)
    asking.cancel()
    modes.finish()


asyncio.run(main())
