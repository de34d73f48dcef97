"""trio's runs, tasks, scopes and nurseries in the common model."""

import pytest
from async_health import _ah_wire as wire

pytest.importorskip("trio")


def test_tasks_nursery_names_outcomes(probe_program):
    recording = probe_program(
        """
        import trio

        async def child(seconds):
            await trio.sleep(seconds)

        async def bad():
            await trio.sleep(0.02)
            raise ValueError("boo")

        async def main():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(child, 0.05, name="slow one")
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(bad)
                    nursery.start_soon(child, 10)
            except BaseException:
                pass

        trio.run(main)
        """
    )
    assert not recording.notes_of("hook-missing") and not recording.notes_of("hook-removed")
    main = recording.task_running("main")
    slow = recording.task_named("slow one")
    bad = recording.task_running("bad")
    (group,) = recording.named("TASK_GROUP", obj=slow)[:1]
    (nursery,) = recording.named("SCOPE_ENTER", obj=group.task)[:1]
    assert (nursery.aux, nursery.task) == (6, main.obj)
    assert nursery.stack[0][1].endswith("main")
    assert recording.named("TASK_AWAITED_BY", obj=slow)[0].task == main.obj
    (new,) = [row for row in recording.named("TASK_NEW") if row.obj == slow and row.task == main.obj][:1]
    assert new.stack[0][1].endswith("main") and new.text.endswith("child")
    (end,) = [row for row in recording.named("TASK_END", obj=bad.obj) if row.aux == 2]
    assert end.task_text == "ValueError: boo"
    assert end.stack[0][1].endswith("bad")
    # The child's failure cancels the nursery, which cancels the other child.
    (cancel,) = [row for row in recording.named("SCOPE_CANCEL") if row.aux == 2]
    assert cancel.task == bad.obj
    assert cancel.obj in {row.aux for row in recording.named("TASK_CANCEL_DELIVERED") if row.t >= cancel.t}
    assert 1 in {row.aux for row in recording.named("TASK_END")}
    steps = {row.obj: row for row in recording.named("TASK_STEPS")}
    assert steps[main.obj].task >= 3 and steps[main.obj].aux > 0
    (loop,) = recording.named("LOOP_NEW")
    assert loop.text == "trio"
    assert [row.obj for row in recording.named("LOOP_END")] == [loop.obj]


def test_deadline_shield_and_caught_cancellation(probe_program):
    recording = probe_program(
        """
        import trio

        async def main():
            with trio.move_on_after(0.05):
                with trio.CancelScope(shield=True) as inner:
                    inner.shield = False
                    await trio.sleep(5)

        trio.run(main)
        """
    )
    outer, inner = [row for row in recording.named("SCOPE_ENTER") if row.aux == 5 and row.stack[0][1] == "main"][:2]
    (meta,) = recording.named("SCOPE_META", obj=outer.obj)[:1]
    assert 0.04e9 < meta.aux - outer.t < 0.06e9
    assert [row.stack_column & 1 for row in recording.named("SCOPE_META", obj=inner.obj)] == [1, 0]
    assert recording.named("SCOPE_META", obj=inner.obj)[0].task == outer.obj
    (cancel,) = recording.named("SCOPE_CANCEL", obj=outer.obj)
    assert (cancel.aux, cancel.task) == (1, 0)
    (left,) = recording.named("SCOPE_EXIT", obj=outer.obj)
    assert left.aux & 4
    (inner_left,) = recording.named("SCOPE_EXIT", obj=inner.obj)
    assert not inner_left.aux & 4


def test_cross_task_and_out_of_order_exit(probe_program):
    recording = probe_program(
        """
        import trio

        async def enter(scope):
            scope.__enter__()

        async def main():
            first, second = trio.CancelScope(), trio.CancelScope()
            first.__enter__()
            second.__enter__()
            try:
                first.__exit__(None, None, None)
            except RuntimeError:
                pass
            try:
                second.__exit__(None, None, None)
            except RuntimeError:
                pass
            third = trio.CancelScope()
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(enter, third)
            except BaseException:
                pass
            try:
                third.__exit__(None, None, None)
            except RuntimeError:
                pass
            print([id(first), id(second), id(third)])

        trio.run(main)
        """
    )
    ((first, second, third),) = recording.printed()
    flags = {row.obj: row.aux for row in recording.named("SCOPE_EXIT")}
    assert flags[first] & 2 and not flags[first] & 1
    assert not flags[second] & 3
    assert flags[third] & 1
    (row,) = [row for row in recording.named("SCOPE_EXIT", obj=third)]
    assert row.stack[0][1].endswith("main")


def test_waits(probe_program):
    recording = probe_program(
        """
        import trio

        async def sleeps():
            await trio.sleep(0.6)

        async def event(event):
            await event.wait()

        async def thread():
            import time
            await trio.to_thread.run_sync(time.sleep, 0.6)

        async def main():
            done = trio.Event()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(sleeps)
                nursery.start_soon(event, done)
                nursery.start_soon(thread)
                await trio.sleep(0.5)
                done.set()

        trio.run(main)
        """
    )
    waits = {}
    for row in recording.named("TASK_WAIT"):
        waits.setdefault(row.obj, set()).add(row.aux)
    assert 3 in waits[recording.task_running("sleeps").obj]
    assert 9 in waits[recording.task_running("event").obj]
    assert 17 in waits[recording.task_running("thread").obj]
    main = recording.task_running("main").obj
    assert {3, 15} <= waits[main]
    (group,) = [row for row in recording.named("TASK_WAIT", obj=main) if row.aux == 15][:1]
    assert group.task in {row.obj for row in recording.named("SCOPE_ENTER") if row.aux == 6}
    sleeping = [row for row in recording.named("TASK_WAIT", obj=main) if row.aux == 3][0]
    assert "main" in [frame[1] for frame in sleeping.stack]


def test_blocked_run_is_shown_while_it_lasts(probe_program):
    recording = probe_program(
        """
        import time, trio

        async def blocks():
            time.sleep(0.4)

        async def main():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(blocks)

        trio.run(main)
        """
    )
    rows = recording.named("LOOP_BLOCK")
    assert len(rows) >= 3
    assert rows[0].stack[0][1] == "blocks"
    (end,) = recording.named("LOOP_BLOCK_END")
    assert 0.35e9 < end.aux < 0.8e9
    assert end.task == recording.task_running("blocks").obj


def test_guest_mode(probe_program):
    recording = probe_program(
        """
        import asyncio, trio

        async def trio_child():
            await trio.sleep(0.05)

        async def trio_main():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(trio_child)
            return "done"

        async def main():
            loop = asyncio.get_running_loop()
            finished = loop.create_future()
            trio.lowlevel.start_guest_run(
                trio_main,
                run_sync_soon_threadsafe=loop.call_soon_threadsafe,
                done_callback=lambda outcome: finished.set_result(outcome.unwrap()),
                host_uses_signal_set_wakeup_fd=True,
            )
            await asyncio.sleep(0.01)
            print(await finished)

        asyncio.run(main())
        """
    )
    assert recording.stdout.strip() == "done"
    kinds = {row.text for row in recording.named("LOOP_NEW")}
    assert "trio" in kinds
    child = recording.task_running("trio_child")
    assert child.task == recording.task_running("trio_main").obj
    assert [row.aux for row in recording.named("TASK_END", obj=child.obj)] == [0]
    # The first steps of the run, with the nursery of trio's own tasks, happen inside the task of asyncio that starts it.
    trio_tasks = {row.obj for row in recording.named("TASK_NEW") if row.text.split(".")[-1] in ("init", "trio_main")}
    entered = [row for row in recording.named("SCOPE_ENTER") if row.aux == wire.SCOPE_TRIO_NURSERY]
    assert len(entered) >= 3 and {row.task for row in entered} <= trio_tasks
    assert not [row for row in recording.named("SCOPE_EXIT") if row.aux & wire.EXIT_CROSS_TASK]


def test_tasks_and_scopes_are_not_kept_alive(probe_program):
    recording = probe_program(
        """
        import gc, trio, weakref

        refs = []

        async def child():
            refs.append(weakref.ref(trio.lowlevel.current_task()))
            with trio.CancelScope() as scope:
                refs.append(weakref.ref(scope))
                await trio.sleep(0.01)

        async def main():
            async with trio.open_nursery() as nursery:
                nursery.start_soon(child)
            await trio.sleep(0.1)
            gc.collect()
            print([int(ref() is None) for ref in refs])

        trio.run(main)
        """
    )
    assert recording.printed() == [[1, 1]]


def test_a_sleep_is_no_scope_of_anybody(probe_program):
    recording = probe_program(
        """
        import trio
        async def shielded():
            with trio.move_on_after(0.3, shield=True) as scope:
                await trio.sleep(9)
            assert scope.cancelled_caught
        async def main():
            await trio.sleep(0.05)
            with trio.move_on_after(0.05):
                await trio.sleep(9)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(shielded)
                await trio.sleep(0.05)
                nursery.cancel_scope.cancel()
        trio.run(main)
        """
    )
    assert recording.notes_of("hook-removed") == []
    main, shielded = recording.task_running("main").obj, recording.task_running("shielded").obj
    entered = [row for row in recording.named("SCOPE_ENTER") if row.task in (main, shielded)]
    import trio

    if tuple(int(part) for part in trio.__version__.split(".")[:2]) >= (0, 25):
        assert [row.aux for row in entered] == [
            wire.SCOPE_TRIO_CANCEL_SCOPE, wire.SCOPE_TRIO_NURSERY, wire.SCOPE_TRIO_CANCEL_SCOPE,
        ]  # fmt: skip
        assert len(recording.named("SCOPE_CANCEL", aux=wire.REASON_DEADLINE)) == 2
        assert [row.aux for row in recording.named("TASK_CANCEL_DELIVERED", obj=main)][:1] == [entered[0].obj]
    # What reaches a shielded scope is its own cancellation, not that of the nursery around it.
    (own,) = [row for row in entered if row.task == shielded and row.stack[0][1] == "shielded"]
    assert {row.aux for row in recording.named("TASK_CANCEL_DELIVERED", obj=shielded)} == {own.obj}


_STEPS = """
import time, trio

async def worker():
    for _ in range(5):
        await trio.lowlevel.checkpoint()
    time.sleep(0.02)
    await trio.lowlevel.checkpoint()
    await trio.sleep(0.15)

class Mine(trio.abc.Instrument):
    calls = []
    def before_task_step(self, task):
        Mine.calls.append(("before", task.name.split(".")[-1]))
    def after_task_step(self, task):
        Mine.calls.append(("after", task.name.split(".")[-1]))
    def task_scheduled(self, task):
        Mine.calls.append(("scheduled", task.name.split(".")[-1]))

async def main():
    async with trio.open_nursery() as nursery:
        nursery.start_soon(worker)

trio.run(main, instruments=[Mine()])
own = [call for call in Mine.calls if call[1] == "worker"]
print([sum(kind == call[0] for call in own) for kind in ("scheduled", "before", "after")])
"""


@pytest.mark.parametrize("way", ["statements", "instrument"])
def test_steps_are_counted_and_a_program_s_own_instruments_go_on(probe_program, way):
    """Both ways to see steps tell the same; with `instrument` the source of the run loop is not to be had."""
    before = ""
    if way == "instrument":
        before = (
            "from async_health import _ah_splice as splice\n"
            "given = splice.splice\n"
            "def refuse(func, *edits):\n"
            "    if func.__name__ == 'unrolled_run':\n"
            "        raise splice.SpliceError('no source')\n"
            "    return given(func, *edits)\n"
            "splice.splice = refuse\n"
        )
    recording = probe_program(
        before + _STEPS + "from async_health import _ah_trio\nprint(type(_ah_trio.AH.instrument).__name__)\n"
    )
    counts, kind = recording.stdout.strip().splitlines()
    assert kind == {"statements": "StepInstrument", "instrument": "ProbeInstrument"}[way]
    assert counts == "[8, 8, 8]"
    assert not recording.notes_of("hook-missing") and not recording.notes_of("hook-removed")
    worker = recording.task_running("worker")
    assert worker.stack[0][1] == "main"
    told = recording.named("TASK_STEPS", obj=worker.obj)[-1]
    assert told.task == 8
    longest = told.stack_column
    assert 19e6 < longest <= told.aux < 60e6
    waited = recording.named("TASK_SCHED", obj=worker.obj)[-1]
    assert waited.task == 8 and 0 < waited.stack_column <= waited.aux < 60e6
    assert max(row.task for row in recording.named("LOOP_STAT")) >= 7


def test_a_scope_left_open_by_its_task_is_lost_once_it_is_collected(probe_program):
    recording = probe_program(
        """
        import gc, trio

        async def leaves():
            trio.CancelScope().__enter__()

        async def main():
            try:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(leaves)
            except BaseException:
                pass
            outer, inner = trio.CancelScope(), trio.CancelScope()
            outer.__enter__()
            inner.__enter__()
            print([id(inner)])
            try:
                outer.__exit__(None, None, None)
            except RuntimeError:
                pass
            del outer, inner, nursery
            gc.collect()
            await trio.sleep(0.05)

        trio.run(main)
        """
    )
    ((inner,),) = recording.printed()
    (left,) = [row for row in recording.named("SCOPE_ENTER") if row.stack and row.stack[0][1] == "leaves"]
    assert {row.obj for row in recording.named("SCOPE_LOST")} == {left.obj, inner}
