"""Loops in many threads at once, in parallel on a build without the GIL: no row is torn, no id given twice, nothing lost."""

import sys

from conftest import NAMES, wire

SOURCE = """
import asyncio, sys, threading

PARTS = 4
ROUNDS = 150
SCOPED = hasattr(asyncio, "timeout")

BODY = '''
async def child_%(part)s(lock):
    async with lock:
        await asyncio.sleep(0)

async def nested_%(part)s(depth, lock):
    if depth:
        return await nested_%(part)s(depth - 1, lock)
    await asyncio.gather(*[asyncio.create_task(child_%(part)s(lock)) for _ in range(3)])

async def main_%(part)s():
    lock = asyncio.Lock()
    for turn in range(ROUNDS):
        if SCOPED:
            async with asyncio.timeout(60):
                await nested_%(part)s(turn %% 4, lock)
        else:
            await nested_%(part)s(turn %% 4, lock)
'''
for part in range(PARTS):
    exec(compile(BODY % {"part": part}, "part_%d.py" % part, "exec"))

threads = [threading.Thread(target=asyncio.run, args=(globals()["main_%d" % part](),)) for part in range(PARTS)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print("parallel" if getattr(sys, "_is_gil_enabled", lambda: True)() is False else "in turn")
"""


def test_loops_in_parallel(probe_program):
    recording = probe_program(SOURCE, timeout=120)
    assert {row.op for row in recording.rows} <= set(NAMES), "a torn row"
    assert sum(batch.get("dropped", {}).get("rows", 0) for batch in recording.batches) == 0
    assert recording.notes_of("hook-removed") == []
    for part in range(4):
        children = [row for row in recording.named("TASK_NEW") if row.text == "child_%d" % part]
        assert len(children) == 150 * 3
        mains = {row.obj for row in recording.named("TASK_NEW") if row.text == "main_%d" % part}
        assert {row.task for row in children} == mains
        for row in children:  # an id given twice would show another thread's stack here
            functions = [frame[1] for frame in row.stack if "<listcomp>" not in frame[1]]
            assert functions[0] == "nested_%d" % part, functions
    assert len(recording.named("TASK_END")) == len(recording.named("TASK_NEW"))
    assert {row.aux for row in recording.named("TASK_END")} == {wire.OUTCOME_OK}
    if sys.version_info >= (3, 11):
        assert len(recording.named("SCOPE_ENTER")) == len(recording.named("SCOPE_EXIT")) == 4 * 150
