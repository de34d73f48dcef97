"""Runs of trio that were there before the probe."""

import json
import subprocess
import sys

import pytest
from conftest import SOURCE, Recording, wire

pytest.importorskip("trio")

START = """
import asyncio, sys, threading, trio
sys.path.insert(0, %r)

def late():
    from async_health import _ah_boot
    _ah_boot.start({"sink": "file:%s", "tickMs": 20})

async def child():
    with trio.CancelScope():
        await over.wait()
"""


def run(tmp_path, source):
    out = tmp_path / "out.jsonl"
    program = tmp_path / "program.py"
    program.write_text(START % (SOURCE, out) + source)
    done = subprocess.run([sys.executable, str(program)], stderr=subprocess.PIPE, timeout=60, check=True)
    assert not done.stderr
    recording = Recording([json.loads(line) for line in out.read_text().splitlines()])
    assert not recording.notes_of("hook-removed")
    return recording


def nursery_of(recording, task):
    """SCOPE_ENTER row of the nursery in which a task runs."""
    (group,) = recording.named("TASK_GROUP", obj=task)[:1]
    (entered,) = recording.named("SCOPE_ENTER", obj=group.task)[:1]
    return entered


def test_a_run(tmp_path):
    recording = run(
        tmp_path,
        """
async def main():
    global over
    over = trio.Event()
    with trio.CancelScope():
        async with trio.open_nursery() as nursery:
            nursery.start_soon(child)
            await trio.sleep(0.1)
            thread = threading.Thread(target=late)
            thread.start()
            while thread.is_alive():
                await trio.sleep(0.01)
            await trio.sleep(0.3)
            with trio.CancelScope():
                await trio.sleep(0.05)
            over.set()

trio.run(main)
""",
    )
    main, child = recording.task_running("main"), recording.task_running("child")
    nursery = nursery_of(recording, child.obj)
    assert (nursery.aux, nursery.task) == (wire.SCOPE_TRIO_NURSERY, main.obj)
    plain = {row.obj: row for row in recording.named("SCOPE_ENTER") if row.aux == wire.SCOPE_TRIO_CANCEL_SCOPE}
    hosts = [row.task for row in plain.values()]  # main's may be three: it also sleeps when the probe comes
    assert hosts.count(child.obj) == 1 and set(hosts) == {main.obj, child.obj}
    # What is born in that run later ends its stacks at the run loop's old code.
    (later,) = [row for row in plain.values() if row.stack]
    assert [frame[1] for frame in later.stack] == ["main"]
    assert recording.named("TASK_STEPS", obj=main.obj)[-1].task > 3
    assert recording.named("TASK_END", obj=child.obj)


def test_a_guest_run(tmp_path):
    recording = run(
        tmp_path,
        """
async def trio_main():
    global over
    over = trio.Event()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(child)
        await trio.sleep(0.5)
        with trio.CancelScope():
            await trio.sleep(0.05)
        over.set()

async def main():
    loop = asyncio.get_running_loop()
    finished = loop.create_future()
    trio.lowlevel.start_guest_run(
        trio_main,
        run_sync_soon_threadsafe=loop.call_soon_threadsafe,
        done_callback=lambda outcome: finished.set_result(outcome.unwrap()),
        host_uses_signal_set_wakeup_fd=True,
    )
    await asyncio.sleep(0.05)
    await loop.run_in_executor(None, late)
    await finished

asyncio.run(main())
""",
    )
    main, child = recording.task_running("trio_main"), recording.task_running("child")
    nursery = nursery_of(recording, child.obj)
    assert (nursery.aux, nursery.task) == (wire.SCOPE_TRIO_NURSERY, main.obj)
    plain = {row.task for row in recording.named("SCOPE_ENTER") if row.aux == wire.SCOPE_TRIO_CANCEL_SCOPE}
    assert plain >= {main.obj, child.obj}
    assert recording.named("TASK_END", obj=child.obj) and recording.named("TASK_END", obj=main.obj)
    assert not [
        row for row in recording.named("SCOPE_EXIT") if row.aux & (wire.EXIT_CROSS_TASK | wire.EXIT_OUT_OF_ORDER)
    ]
