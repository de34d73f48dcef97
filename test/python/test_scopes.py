"""Cancel scopes, timeouts and task groups of asyncio and anyio: enter, exit, cancel, misuse, attribution."""

import sys

import pytest
from conftest import wire

anyio = pytest.importorskip("anyio")
NEW = pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout and TaskGroup came with 3.11")


def clean(recording):
    """No flags of misuse anywhere, every scope left, no hook lost."""
    bad = wire.EXIT_CROSS_TASK | wire.EXIT_OUT_OF_ORDER
    assert [row for row in recording.named("SCOPE_EXIT") if row.aux & bad] == []
    assert len(recording.named("SCOPE_EXIT")) == len(recording.named("SCOPE_ENTER"))
    assert recording.notes_of("hook-removed") == [] and recording.notes_of("hook-missing") == []


def test_anyio_timeout(probe_program):
    recording = probe_program(
        """
        import anyio
        async def main():
            with anyio.move_on_after(0.1):
                await anyio.sleep(10)
            try:
                with anyio.fail_after(0.1, shield=True):
                    await anyio.sleep(10)
            except TimeoutError:
                pass
            with anyio.CancelScope() as scope:
                scope.cancel()
                await anyio.sleep(1)
        anyio.run(main)
        """
    )
    clean(recording)
    enters = recording.named("SCOPE_ENTER")
    assert [row.aux for row in enters] == [wire.SCOPE_ANYIO_CANCEL_SCOPE] * 3
    assert [row.stack[0][2] for row in enters] == [4, 7, 11] or [row.stack[0][1] for row in enters][2] == "main"
    assert len({row.task for row in enters}) == 1 and enters[0].task
    deadline = recording.named("SCOPE_META", obj=enters[0].obj)[0]
    assert abs(deadline.aux - enters[0].t - 100e6) < 30e6
    shield = recording.named("SCOPE_META", obj=enters[1].obj)[-1]
    assert shield.stack_column & wire.SCOPE_FLAG_SHIELD
    assert [row.aux for row in recording.named("SCOPE_CANCEL")] == [
        wire.REASON_DEADLINE,
        wire.REASON_DEADLINE,
        wire.REASON_EXPLICIT,
    ]
    assert all(row.aux & wire.EXIT_CANCELLED_CAUGHT for row in recording.named("SCOPE_EXIT"))
    cancel = recording.named("TASK_CANCEL")[0]
    assert cancel.aux == enters[0].obj and cancel.obj == enters[0].task


def test_scopes_tell_the_programs_own_reason(probe_program):
    recording = probe_program(
        """
        import inspect, anyio
        from anyio import CancelScope
        knows = "reason" in inspect.signature(CancelScope.cancel).parameters
        async def main():
            with CancelScope() as scope:
                scope.cancel("shutting down") if knows else scope.cancel()
                await anyio.sleep(1)
            with anyio.move_on_after(0.01):
                await anyio.sleep(1)
            print("[%s]" % ("true" if knows else "false"))
        for backend in ("asyncio", "trio"):
            try:
                anyio.run(main, backend=backend)
            except (LookupError, ImportError):
                pass
        """
    )
    clean(recording)
    told = recording.named("SCOPE_CANCEL_REASON")
    if not recording.printed()[0][0]:
        assert told == []
        return
    explicit = [row for row in recording.named("SCOPE_CANCEL") if row.stack and row.stack[0][1] == "main"]
    ours = [row for row in told if row.text == "shutting down"]  # trio gives reasons of its own for its own scopes
    assert 1 <= len(explicit) == len(ours)
    assert [row.obj for row in ours] == [row.obj for row in explicit]
    assert "deadline" not in " ".join(row.text for row in told)


def test_anyio_task_group(probe_program):
    recording = probe_program(
        """
        import anyio
        async def child():
            await anyio.sleep(0.05)
        async def bad():
            await anyio.sleep(0.01)
            raise ValueError
        async def main():
            async with anyio.create_task_group() as group:
                group.start_soon(child)
                group.start_soon(child)
            try:
                async with anyio.create_task_group() as group:
                    group.start_soon(child)
                    group.start_soon(bad)
            except BaseException:
                pass
        anyio.run(main)
        """
    )
    clean(recording)
    groups = recording.named("SCOPE_ENTER")
    assert [row.aux for row in groups] == [wire.SCOPE_ANYIO_TASK_GROUP] * 2
    births = [row for row in recording.named("TASK_NEW") if row.text in ("child", "bad")]
    assert len(births) == 4
    assert all(row.stack[0][1] == "main" for row in births)
    members = recording.named("TASK_GROUP")
    assert [row.task for row in members][:2] == [groups[0].obj] * 2
    (cancel,) = recording.named("SCOPE_CANCEL")
    assert cancel.aux == wire.REASON_CHILD_FAILED
    assert {row.aux for row in recording.named("TASK_CANCEL")} == {groups[1].obj}


def test_anyio_cross_task_exit(probe_program):
    recording = probe_program(
        """
        import anyio, asyncio, sys
        from async_health import _ah_core as core
        seen = []
        @core.on_violation
        def violation(code, frame, info):
            seen.append((code, frame.f_code.co_name, frame.f_lineno, info["message"]))
        async def enter(group):
            await group.__aenter__()
            await asyncio.sleep(0.05)
        async def main():
            group = anyio.create_task_group()
            task = asyncio.create_task(enter(group))
            await asyncio.sleep(0.01)
            try:
                await group.__aexit__(None, None, None)
            except RuntimeError:
                pass
            await task
        asyncio.run(main())
        import json
        print(json.dumps(seen))
        """
    )
    (exit_,) = recording.named("SCOPE_EXIT")
    (enter,) = recording.named("SCOPE_ENTER")
    assert exit_.aux & wire.EXIT_CROSS_TASK
    assert enter.task == recording.task_running("enter").obj
    assert exit_.task == recording.task_running("main").obj
    assert exit_.stack[0][1:] == ("main", 16) and enter.stack[0][1:] == ("enter", 9)
    (leaving,) = recording.named("SCOPE_LEAVING")
    assert (leaving.obj, leaving.task) == (exit_.obj, exit_.task) and leaving.aux & wire.EXIT_CROSS_TASK
    assert leaving.stack == exit_.stack
    ((code, function, line, message),) = recording.printed()[0]
    assert (code, function, line) == ("cross-task-exit", "main", 16)
    assert "TaskGroup" in message


@pytest.mark.parametrize("kind", ["timeout", "group"])
@NEW
def test_asyncio_cross_task_exit(probe_program, kind):
    recording = probe_program(
        """
        import asyncio
        async def main():
            manager = %s
            await asyncio.gather(manager.__aenter__())
            await manager.__aexit__(None, None, None)
        asyncio.run(main())
        """
        % {"timeout": "asyncio.timeout(5)", "group": "asyncio.TaskGroup()"}[kind]
    )
    (exit_,) = recording.named("SCOPE_EXIT")
    (enter,) = recording.named("SCOPE_ENTER")
    assert exit_.aux == wire.EXIT_CROSS_TASK
    assert enter.task != exit_.task == recording.task_running("main").obj
    # Entered at the very top of a helper task: the place is where that task was made.
    assert ("main", 5) in [frame[1:] for frame in enter.stack]


def test_out_of_order(probe_program):
    recording = probe_program(
        """
        import anyio
        async def main():
            first = anyio.CancelScope()
            second = anyio.CancelScope()
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
        anyio.run(main)
        """
    )
    exits = recording.named("SCOPE_EXIT")
    assert [bool(row.aux & wire.EXIT_OUT_OF_ORDER) for row in exits] == [True, False]
    (leaving,) = recording.named("SCOPE_LEAVING")
    assert leaving.obj == exits[0].obj and leaving.stack == exits[0].stack
    assert exits[0].stack[0][1:] == ("main", 9)


def test_contextlib_generators_are_fine(probe_program):
    recording = probe_program(
        """
        import anyio
        from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
        @asynccontextmanager
        async def resource():
            async with anyio.create_task_group() as group:
                with anyio.CancelScope():
                    yield group
                group.cancel_scope.cancel()
        @contextmanager
        def limit():
            with anyio.move_on_after(5) as scope:
                yield scope
        async def use():
            async with resource(), resource() as group:
                with limit():
                    group.start_soon(anyio.sleep, 0.01)
                    await anyio.sleep(0.02)
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(resource())
                stack.enter_context(limit())
        async def main():
            async with anyio.create_task_group() as group:
                group.start_soon(use)
                group.start_soon(use)
        anyio.run(main)
        """
    )
    clean(recording)


@NEW
def test_asyncio_timeout_and_group(probe_program):
    recording = probe_program(
        """
        import asyncio
        async def child():
            await asyncio.sleep(1)
        async def bad():
            await asyncio.sleep(0.01)
            raise ValueError
        async def main():
            try:
                async with asyncio.timeout(0.05) as limit:
                    limit.reschedule(asyncio.get_running_loop().time() + 0.1)
                    await asyncio.sleep(10)
            except TimeoutError:
                pass
            try:
                async with asyncio.TaskGroup() as group:
                    task = group.create_task(child())
                    group.create_task(bad())
            except BaseException:
                pass
        asyncio.run(main())
        """
    )
    clean(recording)
    timeout, group = recording.named("SCOPE_ENTER")
    assert (timeout.aux, group.aux) == (wire.SCOPE_ASYNCIO_TIMEOUT, wire.SCOPE_ASYNCIO_TASK_GROUP)
    metas = recording.named("SCOPE_META", obj=timeout.obj)
    assert abs(metas[0].aux - timeout.t - 50e6) < 30e6 and abs(metas[1].aux - timeout.t - 100e6) < 30e6
    assert [row.aux for row in recording.named("SCOPE_CANCEL")] == [wire.REASON_DEADLINE, wire.REASON_CHILD_FAILED]
    attributed = [(row.obj, row.aux) for row in recording.named("TASK_CANCEL")]
    main = recording.task_running("main").obj
    assert attributed[0] == (main, timeout.obj)
    assert {scope for _task, scope in attributed[1:]} == {group.obj}
    assert recording.named("SCOPE_EXIT", obj=timeout.obj)[0].aux & wire.EXIT_CANCELLED_CAUGHT
    assert {row.task for row in recording.named("TASK_GROUP")} == {group.obj}


def test_deliveries_are_counted(probe_program):
    recording = probe_program(
        """
        import anyio, asyncio
        async def stubborn():
            end = asyncio.get_running_loop().time() + 0.2
            while asyncio.get_running_loop().time() < end:
                try:
                    await asyncio.sleep(0.01)
                except asyncio.CancelledError:
                    pass
        async def main():
            async with anyio.create_task_group() as group:
                group.start_soon(stubborn)
                await anyio.sleep(0.01)
                group.cancel_scope.cancel()
        anyio.run(main)
        """
    )
    counts = [row.aux for row in recording.named("SCOPE_DELIVERIES")]
    assert counts == sorted(counts) and counts[-1] > 10


@NEW
def test_a_lost_scope(probe_program):
    # (An anyio scope that is lost stays in anyio's own books for good: it is seen by its host's end instead.)
    recording = probe_program(
        """
        import asyncio, gc
        async def enter():
            await asyncio.timeout(None).__aenter__()
        async def main():
            await asyncio.create_task(enter())
            gc.collect()
            await asyncio.sleep(0.05)
        asyncio.run(main())
        """
    )
    (enter,) = recording.named("SCOPE_ENTER")
    assert recording.named("SCOPE_EXIT") == []
    assert [row.obj for row in recording.named("SCOPE_LOST")] == [enter.obj]


def test_tracebacks_show_none_of_ours(probe_program):
    recording = probe_program(
        """
        import anyio, asyncio, traceback
        async def main():
            scope = anyio.CancelScope()
            await asyncio.gather(asyncio.sleep(0))
            try:
                scope.__exit__(None, None, None)
            except RuntimeError:
                text = traceback.format_exc()
                assert text.count("File ") == 2, text
                assert "async_health" not in text and "_ah_" not in text, text
        asyncio.run(main())
        """
    )
    assert recording.returncode == 0


def test_any_awaitable_can_be_started_in_a_group(probe_program):
    """`__anext__` of an async generator is no coroutine and has no name of its own; it is a fine child all the same."""
    recording = probe_program(
        """
        import anyio
        async def numbers():
            yield 1
        async def main():
            for _ in range(2):
                async with anyio.create_task_group() as group:
                    group.start_soon(numbers().__anext__)
        anyio.run(main)
        """,
        check=False,
    )
    assert recording.notes_of("hook-removed") == []
    enters = recording.named("SCOPE_ENTER")
    assert len(recording.named("SCOPE_EXIT")) == len(enters) >= 1
    if recording.returncode:  # anyio before 4.10 or so takes coroutines only, and says so itself
        assert "TypeError" in recording.stderr and len(enters) == 1
    else:
        assert len(enters) == 2
