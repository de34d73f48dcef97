"""ns per operation of what async programs do all the time. `python micro.py MODE` prints one JSON object {operation: ns}.

Each figure is CPU time of the program's own thread, the best of `ROUNDS` rounds: what disturbs only adds. "<operation>, all
threads" is that of the whole process over all rounds, so with the probe's thread, which encodes and sends what was noted.
"""

import json
import sys
import time

import modes

MODE = sys.argv[1]
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5
modes.activate(MODE)

import asyncio  # noqa: E402 (after the mode is active, as in a debug session)

import anyio  # noqa: E402
import trio  # noqa: E402

clock = time.thread_time_ns  # CPU, not wall time: a busy machine distorts that
result = {}


async def noop():
    pass


async def yielding():
    await asyncio.sleep(0)


async def best(name, count, operation):
    times = []
    whole = time.process_time_ns()
    for _ in range(ROUNDS):
        begin = clock()
        await operation(count)
        times.append((clock() - begin) / count)
    result[name] = min(times)
    result[name + ", all threads"] = (time.process_time_ns() - whole) / count / ROUNDS


async def task_life(count, depth=5):
    """create + run + await; the creation is `depth` calls deep."""
    if depth > 1:
        return await task_life(count, depth - 1)
    create = asyncio.ensure_future
    for _ in range(count):
        await create(noop())


async def step(count):
    for _ in range(count):
        await asyncio.sleep(0)


async def anyio_scope(count):
    scope = anyio.CancelScope
    for _ in range(count):
        with scope():
            pass


async def anyio_group(count):
    for _ in range(count):
        async with anyio.create_task_group() as group:
            group.start_soon(noop)


async def asyncio_timeout(count):
    timeout = asyncio.timeout
    for _ in range(count):
        async with timeout(10):
            pass


async def asyncio_group(count):
    for _ in range(count):
        async with asyncio.TaskGroup() as group:
            group.create_task(noop())


async def lock_free(count):
    lock = asyncio.Lock()
    for _ in range(count):
        async with lock:
            pass


async def lock_acquire(count):
    """Without `async with`: the place is recorded as well."""
    lock = asyncio.Lock()
    for _ in range(count):
        await lock.acquire()
        lock.release()


async def lock_contended(count):
    """Two tasks hand one lock to and fro: every acquire waits."""
    lock = asyncio.Lock()

    async def half():
        for _ in range(count // 2):
            async with lock:
                await asyncio.sleep(0)

    await asyncio.gather(half(), half())


async def asyncio_part():
    modes.install(MODE, asyncio.get_running_loop())
    await best("task", 5000, task_life)
    await best("step", 20000, step)
    await best("anyio scope", 5000, anyio_scope)
    await best("anyio group, one child", 1000, anyio_group)
    if hasattr(asyncio, "timeout"):
        await best("asyncio.timeout", 5000, asyncio_timeout)
        await best("asyncio.TaskGroup, one child", 2000, asyncio_group)
    await best("lock, uncontended", 20000, lock_free)
    await best("lock, acquire() and release()", 20000, lock_acquire)
    await best("lock, contended", 4000, lock_contended)


async def trio_scope(count):
    scope = trio.CancelScope
    for _ in range(count):
        with scope():
            pass


async def trio_nursery(count):
    for _ in range(count):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(noop)


async def trio_part():
    await best("trio scope", 5000, trio_scope)
    await best("trio nursery, one child", 1000, trio_nursery)


asyncio.run(asyncio_part())
if MODE not in ("asyncio-debug", "aiomonitor"):
    trio.run(trio_part)
print(json.dumps(result))
modes.finish()
