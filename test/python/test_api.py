"""The API that programs use: with a (scripted) adapter, without one, and as an installed package."""

import json

import pytest

#: Plays the adapter inside of the program: answers each request after a while, and remembers them.
ADAPTER = """
import json, sys, threading, time

class Adapter:
    def __init__(self, delay=0.0, answers=True):
        from async_health import _ah_channel
        self.requests = []
        self.delay, self.answers = delay, answers
        real = _ah_channel.send

        def send(message, rows=None):
            if message["type"] == "request":
                self.requests.append(message)
                if self.answers:
                    threading.Thread(target=self.answer, args=(message["id"],), daemon=True).start()
            return real(message, rows)

        _ah_channel.send = send

    def answer(self, number, result=None):
        time.sleep(self.delay)
        text = json.dumps({"id": 1, "method": "answer", "params": {"id": number, "result": result or {}}})
        sys.modules["async_health"]._rpc(text)

    def named(self, method):
        return [one["params"] for one in self.requests if one["method"] == method]
"""


@pytest.fixture
def adapter_program(probe_program):
    import textwrap

    return lambda source, **options: probe_program(ADAPTER + textwrap.dedent(source), **options)


OPERATIONS = """
    import asyncio, contextvars
    import async_health

    variable = contextvars.ContextVar("variable", default=0)

    async def work(number):
        variable.set(number)
        await asyncio.sleep(0.01)
        return number * 2

    async def fails(error):
        await asyncio.sleep(0.01)
        raise error

    async def main(isolations):
        debugger = async_health.AsyncDebugger()
        run = debugger.debug_async_operation
        assert await run("work", work(2)) == 4
        assert await run("function", lambda: work(3)) == 6
        for isolation in isolations:
            assert await run("work", work(2), isolation=isolation, metadata={"user": 1}) == 4
            error = ValueError("mine")
            try:
                await run("fails", fails(error), isolation=isolation)
            except ValueError as caught:
                assert caught is error
            else:
                raise AssertionError("no exception")
            slow = asyncio.ensure_future(run("slow", asyncio.sleep(30), isolation=isolation))
            await asyncio.sleep(0.2)
            slow.cancel()
            try:
                await slow
            except asyncio.CancelledError:
                pass
            else:
                raise AssertionError("not cancelled")
        assert debugger.list_sessions(active_only=True) == []
        results = await asyncio.gather(*[run("n%d" % n, work(n)) for n in range(100)])
        assert results == [2 * n for n in range(100)]
        for bad in (lambda: run("x", 5), lambda: run("x", work(1), isolation="process")):
            try:
                await bad()
            except (TypeError, ValueError):
                pass
            else:
                raise AssertionError("bad arguments taken")
        return debugger
"""


def test_operations_with_an_adapter(adapter_program):
    recording = adapter_program(
        OPERATIONS.replace("\n    ", "\n")
        + """
adapter = Adapter()

async def all():
    debugger = await main(["task", "loop"])
    assert variable.get() == 0  # what an operation sets stays inside
    print(json.dumps(debugger.get_debug_statistics()))
    print(json.dumps([len(adapter.named("operationBegin")), len(adapter.named("operationEnd"))]))
    print(json.dumps([one["state"] for one in debugger.list_sessions()[:8]]))

asyncio.run(all())
"""
    )
    statistics, counts, states = recording.printed()
    assert (statistics["started"], statistics["finished"], statistics["failed"]) == (108, 104, 2)
    assert statistics["cancelled"] == 2 and statistics["active"] == 0
    assert counts == [108, 108]
    assert states == ["finished", "finished", "finished", "failed", "cancelled", "finished", "failed", "cancelled"]
    notes = recording.notes_of("operation")
    assert len(notes) == 216
    failed = [note for note in notes if note["state"] == "failed"]
    assert [note["error"] for note in failed] == ["ValueError: mine"] * 2
    assert not recording.stderr


def test_operations_without_a_debugger(without):
    out = without(
        OPERATIONS.replace("\n    ", "\n")
        + """
debugger = asyncio.run(main(["task", "loop"]))
print(debugger.get_debug_statistics()["started"])
async_health.print_summary()
for form in ("json", "markdown", "html"):
    assert "Async Health" in debugger.generate_report(form) or form == "json"
with async_health.tracked_scope("s"):
    pass
assert async_health._in_operation("x") is False
"""
    )
    assert out.splitlines()[0] == "0"
    assert "no debugger" in out


def test_breakpoints_are_asked_for_and_guarded(adapter_program):
    recording = adapter_program(
        """
        import asyncio
        import async_health

        adapter = Adapter(delay=0.05)
        inside = []

        async def work():
            identity = adapter.named("operationBegin")[0]["id"]
            inside.append(async_health._in_operation(identity))
            await asyncio.sleep(0.05)

        async def outside():
            await asyncio.sleep(0.1)
            identity = adapter.named("operationBegin")[0]["id"]
            inside.append(async_health._in_operation(identity))

        async def main():
            debugger = async_health.AsyncDebugger()
            events = []
            debugger.register_event_handler("*", lambda event: events.append(event["type"]))
            points = [("file.py", 3), ("file.py", 4, "x > 1"), {"file": __file__, "line": 5, "hit_count": 2, "log_message": "m"}]
            other = asyncio.ensure_future(outside())
            await debugger.debug_async_operation("op", work(), points, metadata={"a": 1, "b": object})
            await other
            print(json.dumps(adapter.named("operationBegin")[0]))
            print(json.dumps(inside))
            print(json.dumps(events))
            point = debugger.set_remote_breakpoint(__file__, 7, condition="y")
            await asyncio.sleep(0.2)
            print(json.dumps([point.verified, debugger.remove_remote_breakpoint(point), debugger.remove_remote_breakpoint(point)]))
            print(json.dumps([one["method"] for one in adapter.requests]))
            for bad in ((__file__, 0), (3, 1), (__file__, 1, 5)):
                try:
                    debugger.set_remote_breakpoint(*bad)
                except (TypeError, ValueError):
                    continue
                raise AssertionError(bad)

        asyncio.run(main())
        """
    )
    begin, inside, events, breakpoint_states, methods = recording.printed()
    assert [
        (one["line"], one.get("condition"), one.get("hitCount"), one.get("logMessage")) for one in begin["breakpoints"]
    ] == [
        (3, None, None, None),
        (4, "x > 1", None, None),
        (5, None, "2", "m"),
    ]
    assert begin["breakpoints"][0]["file"].endswith("/file.py") and begin["breakpoints"][0]["file"][0] == "/"
    assert begin["metadata"]["a"] == 1 and "object" in begin["metadata"]["b"]
    assert inside == [True, False] or inside == [False, True]
    assert events == ["operation_begin", "operation_end"]
    assert breakpoint_states == [False, True, False]  # the scripted adapter verifies nothing
    assert methods == ["operationBegin", "operationEnd", "setBreakpoint", "removeBreakpoint"]


def test_an_adapter_that_never_answers_is_waited_for_two_seconds(adapter_program):
    recording = adapter_program(
        """
        import asyncio
        import async_health

        adapter = Adapter(answers=False)

        async def work():
            return 5

        async def main():
            began = time.monotonic()
            assert await async_health.AsyncDebugger().debug_async_operation("op", work()) == 5
            print(json.dumps([time.monotonic() - began, len(adapter.named("operationEnd"))]))

        asyncio.run(main())
        """
    )
    ((seconds, ends),) = recording.printed()
    assert 1.9 < seconds < 5
    assert ends == 1
    assert "without its breakpoints" in recording.notes_of("message")[0]["text"]


def test_close_all_sessions_and_nested_operations(adapter_program):
    recording = adapter_program(
        """
        import asyncio
        import async_health

        adapter = Adapter()

        async def inner(outer):
            names = [one["id"] for one in adapter.named("operationBegin")]
            return [async_health._in_operation(name) for name in names]

        async def main():
            debugger = async_health.AsyncDebugger()
            other = async_health.AsyncDebugger()

            async def outer():
                return await other.debug_async_operation("inner", inner(1))

            print(json.dumps(await debugger.debug_async_operation("outer", outer())))
            tasks = [
                asyncio.ensure_future(debugger.debug_async_operation("slow", asyncio.sleep(30), isolation=isolation))
                for isolation in ("task", "loop")
            ]
            await asyncio.sleep(0.3)
            print(json.dumps([debugger.close_all_sessions()]))
            done = await asyncio.gather(*tasks, return_exceptions=True)
            print(json.dumps([type(one).__name__ for one in done]))
            print(json.dumps([len(other.list_sessions()), len(debugger.list_sessions())]))

        asyncio.run(main())
        """
    )
    assert recording.printed() == [[True, True], [2], ["CancelledError"] * 2, [1, 3]]


def test_trio_operations(adapter_program):
    pytest.importorskip("trio")
    recording = adapter_program(
        """
        import trio
        import async_health

        adapter = Adapter()

        async def work(number):
            await trio.sleep(0.01)
            return number

        async def fails(error):
            await trio.sleep(0.01)
            raise error

        async def main():
            debugger = async_health.AsyncDebugger()
            run = debugger.debug_async_operation
            for isolation in ("task", "loop"):
                assert await run("work", work(4), isolation=isolation) == 4
                error = KeyError("mine")
                try:
                    await run("fails", fails(error), isolation=isolation)
                except KeyError as caught:
                    assert caught is error
                with trio.move_on_after(0.2) as scope:
                    await run("slow", trio.sleep(30), isolation=isolation)
                assert scope.cancelled_caught
            print(json.dumps(debugger.get_debug_statistics()))

        trio.run(main)
        """
    )
    (statistics,) = recording.printed()
    assert (statistics["finished"], statistics["failed"], statistics["cancelled"]) == (2, 2, 2)
    assert not recording.stderr


def test_tracked_scope_left_by_another_task(probe_program):
    recording = probe_program(
        """
        import asyncio, json
        import async_health

        async def main():
            scope = async_health.tracked_scope("pool")

            async def enters():
                await scope.__aenter__()

            await asyncio.gather(enters())
            await scope.__aexit__(None, None, None)
            async with async_health.tracked_scope("fine"):
                pass
            first, second = async_health.tracked_scope("first"), async_health.tracked_scope("second")
            first.__enter__(), second.__enter__()
            first.__exit__(None, None, None), second.__exit__(None, None, None)
            with async_health.tracked_task("renamed"):
                pass
            print(json.dumps(async_health.get_debug_statistics()["scopes"]))

        asyncio.run(main())
        """
    )
    names = {row.obj: row.text for row in recording.named("SCOPE_NAME")}
    pairs = []
    for row in recording.named("SCOPE_ENTER", "SCOPE_NAME", "SCOPE_EXIT"):
        if row.name == "SCOPE_NAME":
            names[row.obj] = row.text
        elif row.name == "SCOPE_EXIT":
            pairs.append((names[row.obj], row.aux & 3))
    assert pairs == [("pool", 1), ("fine", 0), ("first", 2), ("second", 0)]
    crossing = [row for row in recording.named("SCOPE_EXIT") if row.aux & 1][0]
    assert crossing.stack[0][1].endswith("main")
    assert {row.aux for row in recording.named("SCOPE_ENTER")} == {7}
    assert recording.printed() == [
        {"entered": 4, "exited": 4, "cancelled": 0, "cross_task": 1, "out_of_order": 1, "open": 0}
    ]
    assert "renamed" in [row.text for row in recording.named("TASK_NAME")]


def test_tracker_facade(without):
    out = without(
        """
        import asyncio, json
        import async_health

        async def main():
            tracker = async_health.CancelScopeTracker()

            async def enter():
                return tracker.enter("x")

            number = await asyncio.ensure_future(enter())
            assert tracker.request_cancel(number, "because") and not tracker.request_cancel(99)
            assert tracker.exit(number) == "cross-task-exit"
            print(json.dumps([one["event"] for one in tracker.recent_events()]))
            print(json.dumps(tracker.check_cross_task_violations()[0]["violation"]))
            print(json.dumps(tracker.statistics()))
            report = tracker.report()
            assert report["open"] == [] and len(report["violations"]) == 1
            try:
                tracker.exit(number)
            except KeyError:
                pass
            else:
                raise AssertionError("left twice")

        asyncio.run(main())
        """
    )
    events, violation, statistics = [json.loads(line) for line in out.splitlines()]
    assert events == ["enter", "cancel", "exit"]
    assert violation == "cross-task-exit"
    assert statistics["cross_task"] == 1


def test_monitor_lock(probe_program):
    recording = probe_program(
        """
        import asyncio, threading
        import async_health

        class Own:
            def __init__(self):
                self.inner = asyncio.Lock()

            async def acquire(self):
                await self.inner.acquire()
                return True

            def release(self):
                self.inner.release()

        async def worker(lock):
            async with lock:
                await asyncio.sleep(0.05)

        async def main():
            named = asyncio.Lock()
            assert async_health.monitor_lock(named, "the lock") is named
            own = async_health.monitor_lock(Own(), "own")
            await asyncio.gather(worker(own), worker(own))
            plain = async_health.monitor_lock(threading.Lock(), "thread")
            with plain:
                assert plain.locked()
            try:
                async_health.monitor_lock(5)
            except TypeError:
                return
            raise AssertionError

        asyncio.run(main())
        """
    )
    names = [row.text for row in recording.named("LOCK_META")]
    assert "the lock" in names and "own" in names and "thread" in names
    own = [row.obj for row in recording.named("LOCK_META") if row.text == "own"][0]
    rows = [row.name for row in recording.named("LOCK_WAIT", "LOCK_WAIT_END", "LOCK_HOLD", "LOCK_FREE", obj=own)]
    assert rows.count("LOCK_FREE") == 2 and rows.count("LOCK_WAIT_END") == 2


def test_stack_and_evaluate(without):
    out = without(
        """
        import asyncio
        import async_health

        async def leaf(secret):
            await asyncio.sleep(10)

        async def branch():
            await leaf(41)

        async def main():
            debugger = async_health.AsyncDebugger()
            task = asyncio.ensure_future(branch())
            await asyncio.sleep(0.01)
            print([one["function"].split(".")[-1] for one in debugger.get_stack_trace(task)][-2:])
            here = 5
            print(debugger.evaluate_expression("here + 1"), debugger.get_stack_trace()[0]["function"])
            assert debugger.pause() is False and debugger.continue_execution() is False
            task.cancel()

        asyncio.run(main())
        """
    )
    assert out.splitlines() == ["['leaf', 'branch']", "6 main"]


def test_importing_the_package_costs_next_to_nothing(without):
    out = without(
        """
        before = set(sys.modules)
        import async_health
        dir(async_health)
        print(sorted(name for name in set(sys.modules) - before if name == "asyncio"))
        """
    )
    assert out.strip() == "[]"
