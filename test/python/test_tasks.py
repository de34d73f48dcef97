"""asyncio tasks: birth, end, failure, loss, cancellation, names; C and Python tasks, factories, eager tasks, uvloop, threads."""

import importlib.util
import sys

import pytest
from conftest import wire

LOOPS = ["asyncio"] + (["uvloop"] if importlib.util.find_spec("uvloop") else [])
USE = {"asyncio": "", "uvloop": "import uvloop; asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())"}


def ends(recording, outcome):
    return [row for row in recording.named("TASK_END") if row.aux == outcome]


@pytest.mark.parametrize("loop", LOOPS)
def test_a_life(probe_program, loop):
    recording = probe_program(
        """
        import asyncio
        %s
        async def child():
            await asyncio.sleep(0.01)
        async def main():
            await asyncio.create_task(child())
        asyncio.run(main())
        """
        % USE[loop]
    )
    main = recording.task_running("main")
    child = recording.task_running("child")
    assert main.task == 0
    assert child.task == main.obj
    assert [frame[1:] for frame in child.stack[:1]] in ([("main", 7)], [("main", 7)])
    assert len(recording.named("TASK_END", obj=child.obj)) >= 1
    assert all(row.aux == wire.OUTCOME_OK for row in recording.named("TASK_END"))
    assert len(recording.named("TASK_END")) == len(recording.named("TASK_NEW"))
    assert recording.named("TASK_LOOP", obj=main.obj)
    assert recording.notes_of("hook-removed") == []


def test_light_has_no_stacks(probe_program):
    recording = probe_program(
        """
        import asyncio
        async def main():
            pass
        asyncio.run(main())
        """,
        detail="light",
    )
    assert recording.task_running("main").stack_column == 0


def test_level_changes_while_tasks_are_born(probe_program):
    """Each level has births of its own; a change both ways loses none and changes only the stack."""
    recording = probe_program(
        """
        import asyncio, sys
        def level(name):
            sys.modules["async_health._ah_core"].set_detail(name)
        async def before(): pass
        async def meanwhile(): pass
        async def after(): pass
        async def at_full(): pass
        async def main():
            await asyncio.create_task(before())
            level("light")
            await asyncio.create_task(meanwhile())
            level("standard")
            await asyncio.create_task(after())
            level("full")
            await asyncio.create_task(at_full())
            level("light")
        asyncio.run(main())
        """
    )
    main = recording.task_running("main")
    for name, has_stack in (("before", True), ("meanwhile", False), ("after", True), ("at_full", True)):
        born = recording.task_running(name)
        assert born.task == main.obj
        assert (born.stack_column != 0) is has_stack, name
        assert [row.aux for row in recording.named("TASK_END", obj=born.obj)][:1] == [wire.OUTCOME_OK]
    assert recording.notes_of("hook-removed") == []


@pytest.mark.parametrize("loop", LOOPS)
def test_failure_with_text_and_traceback(probe_program, loop):
    recording = probe_program(
        """
        import asyncio
        %s
        def deep():
            raise ValueError("no good")
        async def bad():
            await asyncio.sleep(0)
            deep()
        async def main():
            task = asyncio.create_task(bad())
            try:
                await task
            except ValueError:
                pass
        asyncio.run(main())
        """
        % USE[loop]
    )
    (end,) = ends(recording, wire.OUTCOME_FAILED)
    assert end.task_text == "ValueError: no good"
    assert [frame[1:] for frame in end.stack] == [("deep", 5), ("bad", 8)]


def test_exception_whose_str_fails(probe_program):
    recording = probe_program(
        """
        import asyncio
        class Odd(Exception):
            def __str__(self):
                raise RuntimeError
        async def bad():
            raise Odd
        async def main():
            await asyncio.gather(bad(), return_exceptions=True)
        asyncio.run(main())
        """
    )
    (end,) = ends(recording, wire.OUTCOME_FAILED)
    assert end.task_text == "Odd"


@pytest.mark.parametrize("loop", LOOPS)
def test_cancel_tells_by_whom_and_where(probe_program, loop):
    recording = probe_program(
        """
        import asyncio
        %s
        async def victim():
            await asyncio.sleep(10)
        async def main():
            task = asyncio.create_task(victim())
            await asyncio.sleep(0.01)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        asyncio.run(main())
        """
        % USE[loop]
    )
    victim = recording.task_running("victim").obj
    (cancel,) = recording.named("TASK_CANCEL", obj=victim)
    assert cancel.task == recording.task_running("main").obj
    assert cancel.stack[0][1:] == ("main", 9)
    assert recording.named("TASK_END", obj=victim)[0].aux == wire.OUTCOME_CANCELLED


@pytest.mark.skipif(sys.version_info < (3, 9), reason="cancel() takes a message since 3.9")
@pytest.mark.parametrize("kind", ["C", "Python"])
def test_cancel_tells_the_programs_own_reason(probe_program, kind):
    recording = probe_program(
        """
        import asyncio
        async def stays(): await asyncio.sleep(10)
        async def main():
            loop = asyncio.get_running_loop()
            make = asyncio.Task if %r == "C" else asyncio.tasks._PyTask
            first, second, third, fourth = [make(stays(), loop=loop, name="t%%d" %% number) for number in range(4)]
            await asyncio.sleep(0)
            first.cancel("no longer needed")
            second.cancel(msg="x" * 300)
            third.cancel()
            fourth.cancel(KeyError("an object"))
            for task in (first, second, third, fourth):
                try:
                    await task
                except asyncio.CancelledError as error:
                    print(len(str(error.args)))
        asyncio.run(main())
        """
        % kind
    )
    assert recording.notes_of("hook-removed") == []
    assert [row.text for row in recording.named("TASK_CANCEL_REASON")] == ["no longer needed", "x" * 200 + "…"]
    first, second = recording.named("TASK_CANCEL_REASON")
    assert (first.obj, second.obj) == (recording.task_named("t0"), recording.task_named("t1"))
    assert len(recording.named("TASK_CANCEL")) >= 4


def test_cancel_of_a_finished_task_is_nothing(probe_program):
    recording = probe_program(
        """
        import asyncio
        async def quick():
            pass
        async def main():
            task = asyncio.create_task(quick())
            await task
            assert task.cancel() is False
        asyncio.run(main())
        """
    )
    assert recording.named("TASK_CANCEL") == []


@pytest.mark.skipif(sys.version_info < (3, 11), reason="uncancel came with 3.11")
def test_uncancel(probe_program):
    recording = probe_program(
        """
        import asyncio
        async def main():
            task = asyncio.current_task()
            task.cancel()
            task.cancel()
            try:
                await asyncio.sleep(1)
            except asyncio.CancelledError:
                task.uncancel()
                task.uncancel()
        asyncio.run(main())
        """
    )
    assert [row.aux for row in recording.named("TASK_UNCANCEL")] == [1, 0]


def test_swallowed_cancellation_is_told_as_delivered(probe_program):
    recording = probe_program(
        """
        import asyncio
        async def stubborn():
            try:
                await asyncio.sleep(10)
            except asyncio.CancelledError:
                pass
            await asyncio.sleep(0.3)
        async def main():
            task = asyncio.create_task(stubborn())
            await asyncio.sleep(0.1)
            task.cancel()
            await task
        asyncio.run(main())
        """
    )
    stubborn = recording.task_running("stubborn").obj
    cancel = recording.named("TASK_CANCEL", obj=stubborn)[0]
    (delivered,) = recording.named("TASK_CANCEL_DELIVERED", obj=stubborn)
    assert cancel.t < delivered.t < cancel.t + 200e6


def test_dropped_while_pending(probe_program):
    recording = probe_program(
        """
        import asyncio, gc
        async def lost():
            await asyncio.get_running_loop().create_future()
        async def main():
            asyncio.create_task(lost())
            await asyncio.sleep(0.01)
            gc.collect()
            await asyncio.sleep(0.05)
        asyncio.run(main())
        """
    )
    lost = recording.task_running("lost").obj
    assert [row.aux for row in recording.named("TASK_END", obj=lost)][0] == wire.OUTCOME_DROPPED
    assert "Task was destroyed but it is pending" in recording.stderr


def test_names(probe_program):
    recording = probe_program(
        """
        import asyncio
        async def work():
            await asyncio.sleep(0.2)
        async def main():
            task = asyncio.create_task(work())
            task.set_name("worker")
            await task
        asyncio.run(main())
        """
    )
    assert recording.task_named("worker") == recording.task_running("work").obj


def test_python_task_subclass_and_factory(probe_program):
    recording = probe_program(
        """
        import asyncio
        class Mine(asyncio.tasks._PyTask):
            def __hash__(self):
                return 5
            def __eq__(self, other):
                return self is other
        class Sub(asyncio.Task):
            pass
        async def work():
            await asyncio.sleep(0.01)
        async def waits():
            await asyncio.sleep(10)
        async def main():
            loop = asyncio.get_running_loop()
            for kind in (Mine, Sub):
                factory = lambda loop, coro, kind=kind, **options: kind(coro, loop=loop, **options)
                loop.set_task_factory(factory)
                assert loop.get_task_factory() is factory
                task = asyncio.create_task(work())
                assert type(task) is kind
                await task
                task = asyncio.create_task(waits())
                await asyncio.sleep(0.01)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
        asyncio.run(main())
        """
    )
    works = [row for row in recording.named("TASK_NEW") if row.text == "work"]
    waits = [row for row in recording.named("TASK_NEW") if row.text == "waits"]
    assert len(works) == 2 and len(waits) == 2
    assert len(recording.named("TASK_END")) == len(recording.named("TASK_NEW"))
    assert len(ends(recording, wire.OUTCOME_CANCELLED)) == 2
    assert len({(row.obj, row.t // 10**7) for row in recording.named("TASK_CANCEL")}) == 2


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with 3.12")
def test_eager_tasks(probe_program):
    recording = probe_program(
        """
        import asyncio
        async def at_once():
            return 1
        async def grandchild():
            await asyncio.sleep(0.01)
        async def suspends():
            task = asyncio.create_task(grandchild())
            await asyncio.sleep(0.01)
            await task
        async def main():
            asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
            assert await asyncio.create_task(at_once()) == 1
            await asyncio.create_task(suspends())
        asyncio.run(main())
        """
    )
    assert len([row for row in recording.named("TASK_NEW") if row.text == "at_once"]) == 1
    suspends = recording.task_running("suspends")
    grandchild = recording.task_running("grandchild")
    assert grandchild.task == suspends.obj
    # It acted in its first step, as the current task.
    assert suspends.task == recording.task_running("main").obj
    rows = [row for row in recording.rows if row.name == "TASK_NEW"]
    assert rows.index(suspends) < rows.index(grandchild)
    assert len([row for row in rows if row.text == "suspends"]) == 1
    assert len(recording.named("TASK_END")) == len(rows)


@pytest.mark.skipif(sys.version_info < (3, 12), reason="eager tasks came with 3.12")
def test_an_eager_task_that_acts_at_once_has_its_creator_and_place(probe_program):
    recording = probe_program(
        """
        import asyncio
        async def leaf():
            await asyncio.sleep(0.01)
        async def inner():
            await asyncio.create_task(leaf())
        async def helper():
            return asyncio.create_task(inner())
        async def main():
            asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
            await (await helper())
        asyncio.run(main())
        """
    )
    inner = recording.task_running("inner")
    assert inner.task == recording.task_running("main").obj
    assert [frame[1:] for frame in inner.stack] == [("helper", 8), ("main", 11)]


def test_loops_in_threads(probe_program):
    recording = probe_program(
        """
        import asyncio, threading
        async def child():
            await asyncio.sleep(0.01)
        async def main():
            for _ in range(20):
                await asyncio.gather(child(), child())
        threads = [threading.Thread(target=lambda: asyncio.run(main())) for _ in range(3)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        """
    )
    assert len({row.task for row in recording.named("LOOP_NEW")}) == 3
    children = [row for row in recording.named("TASK_NEW") if row.text == "child"]
    assert len(children) == 120
    mains = {row.obj for row in recording.named("TASK_NEW") if row.text == "main"}
    assert {row.task for row in children} <= mains
    assert len(recording.named("TASK_END")) == len(recording.named("TASK_NEW"))
    assert recording.notes_of("hook-removed") == []


def test_tasks_that_were_there_before_the_probe(tmp_path, probe_program):
    """Attach to a running program: the loop runs in another thread, hooks come late."""
    import json
    import subprocess

    from conftest import SOURCE, Recording

    out = str(tmp_path / "late.jsonl")
    program = """
import asyncio, sys, threading, time
started = threading.Event()
waiting = threading.Event()
async def early():
    while not started.is_set():
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
async def later():
    await asyncio.sleep(0.01)
async def main():
    tasks = [asyncio.create_task(early()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting.set()
    while not started.is_set():
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    tasks.append(asyncio.create_task(later()))
    tasks[0].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
thread = threading.Thread(target=lambda: asyncio.run(main()))
thread.start()
waiting.wait()
sys.path.insert(0, %r)
from async_health import _ah_boot
_ah_boot.start({"sink": "file:" + %r, "tickMs": 20})
started.set()
thread.join()
""" % (SOURCE, out)
    path = tmp_path / "late.py"
    path.write_text(program)
    subprocess.run([sys.executable, str(path)], check=True, timeout=60)
    with open(out) as file:
        recording = Recording([json.loads(line) for line in file])
    early = {row.obj for row in recording.named("TASK_NEW") if row.text == "early"}
    assert len(early) == 3
    assert len([row for row in recording.named("TASK_WAIT") if row.obj in early and row.aux == wire.WAIT_SLEEP]) >= 3
    assert recording.task_running("later").task == recording.task_running("main").obj
    outcomes = sorted(row.aux for row in recording.named("TASK_END") if row.obj in early)
    assert outcomes == [wire.OUTCOME_OK, wire.OUTCOME_OK, wire.OUTCOME_CANCELLED]
    assert recording.named("TASK_CANCEL")
    assert recording.named("LOOP_NEW") and recording.named("LOOP_STAT")


def test_steps_at_full(probe_program):
    recording = probe_program(
        """
        import asyncio, time
        async def work():
            for _ in range(4):
                time.sleep(0.01)
                await asyncio.sleep(0)
        async def main():
            await asyncio.create_task(work())
        asyncio.run(main())
        """,
        detail="full",
    )
    work = recording.task_running("work").obj
    last = [row for row in recording.named("TASK_STEPS", obj=work) if row.task == 5][-1]
    assert 40e6 < last.aux < 400e6
    assert 10e6 < last.stack_column < 200e6
    waits = recording.named("TASK_SCHED", obj=work)[-1]
    assert waits.task >= 1 and waits.aux >= 0
