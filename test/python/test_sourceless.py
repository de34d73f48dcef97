"""Programs without the standard library's sources (frozen applications, zipped `.pyc`): the hooks work through stand-ins."""

import compileall
import importlib.util
import json
import os
import shutil

import pytest


@pytest.fixture
def sourceless(tmp_path_factory):
    """A folder with asyncio (and anyio) as `.pyc` alone, for the head of PYTHONPATH."""
    folder = tmp_path_factory.mktemp("sourceless")
    for name in ("asyncio", "anyio"):
        spec = importlib.util.find_spec(name)
        if spec is None:
            continue
        target = folder / name
        shutil.copytree(os.path.dirname(spec.origin), target, ignore=shutil.ignore_patterns("__pycache__"))
        assert compileall.compile_dir(str(target), quiet=2, legacy=True, force=True)
        for path in target.rglob("*.py"):
            path.unlink()
    return str(folder)


@pytest.fixture
def frozen_program(probe_program, sourceless):
    """`probe_program` in which asyncio and anyio have no source."""

    def run(source, **options):
        recording = probe_program(source, env={"PYTHONPATH": sourceless}, **options)
        assert not recording.notes_of("hook-removed")
        return recording

    return run


def test_tasks_and_their_ends(frozen_program):
    recording = frozen_program(
        """
        import asyncio, os

        assert asyncio.__file__.endswith(".pyc")

        async def works():
            await asyncio.sleep(0.01)

        async def fails():
            raise ValueError("no")

        async def main():
            tasks = [asyncio.ensure_future(one()) for one in (works, fails)]
            cancelled = asyncio.ensure_future(asyncio.sleep(10))
            await asyncio.sleep(0)
            cancelled.cancel()
            await asyncio.wait(tasks + [cancelled])
            print(repr(tasks[0]), cancelled.cancelled(), tasks[1].exception())

        asyncio.run(main())
        """
    )
    outcomes = {
        row.text: end.aux for row in recording.named("TASK_NEW") for end in recording.named("TASK_END", obj=row.obj)
    }
    assert (outcomes["works"], outcomes["fails"], outcomes["sleep"]) == (0, 2, 1)
    assert "async_health" not in recording.stdout and "_done" not in recording.stdout
    assert recording.named("TASK_CANCEL")
    assert recording.named("LOOP_NEW") and recording.named("LOOP_END")


def test_locks_queues_and_their_places(frozen_program):
    recording = frozen_program(
        """
        import asyncio

        async def worker(lock):
            async with lock:  # line 5
                await asyncio.sleep(0.2)

        async def direct(lock):
            await lock.acquire()
            lock.release()

        async def consumer(queue):
            while True:
                await queue.get()
                queue.task_done()

        async def main():
            lock, semaphore, queue, event = asyncio.Lock(), asyncio.Semaphore(1), asyncio.Queue(1), asyncio.Event()
            tasks = [asyncio.ensure_future(worker(one)) for one in (lock, semaphore)]
            await asyncio.sleep(0)
            tasks += [asyncio.ensure_future(worker(one)) for one in (lock, semaphore)]
            tasks += [asyncio.ensure_future(direct(lock)), asyncio.ensure_future(event.wait())]
            eater = asyncio.ensure_future(consumer(queue))
            for number in range(3):
                await queue.put(number)
            await queue.join()
            await asyncio.sleep(0.1)
            event.set()
            print([id(lock), id(semaphore), id(queue), id(event), id(tasks[0]), id(tasks[2])])
            await asyncio.gather(*tasks)
            eater.cancel()

        asyncio.run(main())
        """
    )
    ((lock, semaphore, queue, event, first, second),) = recording.printed()
    waits = {(row.obj, row.task) for row in recording.named("LOCK_WAIT")}
    assert (lock, second) in waits
    for one in (semaphore, queue, event):
        assert one in {obj for obj, _ in waits}
    assert {row.aux for row in recording.named("LOCK_WAIT") if row.obj == queue} >= {1, 2}
    holds = [row for row in recording.named("LOCK_HOLD") if row.obj == lock]
    assert holds[0].task == first
    places = [row.stack for row in recording.named("LOCK_HOLD", "LOCK_PLACE") if row.obj == lock and row.task == first]
    assert ("worker", 5) in [stack[0][1:] for stack in places if stack]
    # Nothing waits any more.
    assert len(recording.named("LOCK_WAIT")) == len(recording.named("LOCK_WAIT_END"))


def test_uncontended_acquires_are_not_waits(frozen_program):
    recording = frozen_program(
        """
        import asyncio

        async def main():
            lock, semaphore, queue, event = asyncio.Lock(), asyncio.Semaphore(2), asyncio.Queue(), asyncio.Event()
            event.set()
            for number in range(100):
                async with lock, semaphore:
                    await event.wait()
                await queue.put(number)
                await queue.get()

        asyncio.run(main())
        """
    )
    assert not recording.named("LOCK_WAIT", "LOCK_WAITS")


@pytest.mark.skipif(importlib.util.find_spec("anyio") is None, reason="anyio is not installed")
def test_scopes_of_anyio(frozen_program):
    recording = frozen_program(
        """
        import anyio

        async def child():
            await anyio.sleep(0.01)

        async def main():
            with anyio.move_on_after(0.02) as scope:
                await anyio.sleep(1)
            async with anyio.create_task_group() as group:
                group.start_soon(child)
                group.start_soon(child)
            print(scope.cancelled_caught if hasattr(scope, "cancelled_caught") else scope.cancel_called)

        anyio.run(main)
        """
    )
    assert recording.stdout.strip() == "True"
    entered = recording.named("SCOPE_ENTER")
    assert {row.aux for row in entered} >= {1, 2}
    assert len(entered) == len(recording.named("SCOPE_EXIT"))
    assert [row.aux for row in recording.named("SCOPE_CANCEL")] == [1]  # by its deadline


@pytest.mark.skipif(not hasattr(__import__("asyncio"), "TaskGroup"), reason="since 3.11")
def test_scopes_of_asyncio(frozen_program):
    recording = frozen_program(
        """
        import asyncio

        async def child():
            await asyncio.sleep(0.01)

        async def main():
            try:
                async with asyncio.timeout(0.02):
                    await asyncio.sleep(1)
            except TimeoutError:
                pass
            async with asyncio.TaskGroup() as group:
                group.create_task(child())

        asyncio.run(main())
        """
    )
    assert len(recording.named("SCOPE_ENTER")) == len(recording.named("SCOPE_EXIT")) == 2
    assert recording.named("SCOPE_CANCEL")
    group = recording.named("SCOPE_ENTER")[-1].obj
    assert [row.task for row in recording.named("TASK_GROUP")] == [group]


def test_lag_and_blocks(frozen_program):
    recording = frozen_program(
        """
        import asyncio, time

        async def blocker():
            time.sleep(0.5)

        async def main():
            await asyncio.sleep(0.2)
            await asyncio.ensure_future(blocker())
            await asyncio.sleep(0.1)

        asyncio.run(main())
        """
    )
    blocks = recording.named("LOOP_BLOCK")
    assert blocks and blocks[0].stack[0][1] == "blocker"
    assert max(row.aux for row in recording.named("LOOP_STAT")) > 200e6


def test_functions_look_as_before(frozen_program, plain_program, sourceless):
    source = """
        import asyncio, inspect, json, traceback

        def look(function):
            code = function.__code__
            return [
                function.__name__,
                function.__qualname__,
                str(inspect.signature(function)),
                inspect.iscoroutinefunction(function),
                asyncio.iscoroutinefunction(function),
                code.co_name,
                code.co_varnames[: code.co_argcount],
                code.co_firstlineno,
                list(code.co_freevars),
                hasattr(function, "__wrapped__"),
            ]

        async def main():
            functions = [asyncio.Lock.acquire, asyncio.Lock.release, asyncio.Queue.get, asyncio.Queue.put, asyncio.Event.wait]
            functions += [asyncio.BaseEventLoop.create_task, asyncio.BaseEventLoop.call_soon, asyncio.wait_for]
            print(json.dumps([look(function) for function in functions]))
            lock = asyncio.Lock()
            for call in (lock.release, lambda: lock.acquire(1), lambda: asyncio.Lock.acquire()):
                try:
                    call()
                except (RuntimeError, TypeError) as error:
                    print(json.dumps([type(error).__name__, str(error)]))
            queue = asyncio.Queue()
            task = asyncio.ensure_future(queue.get())
            await asyncio.sleep(0)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError as error:
                print(json.dumps(["cancelled", len(queue._getters)]))

        asyncio.run(main())
        """
    with_probe = frozen_program(source).stdout
    os.environ["PYTHONPATH"] = sourceless
    try:
        without = plain_program(source)[0]
    finally:
        del os.environ["PYTHONPATH"]
    assert json.loads(with_probe.splitlines()[0]) == json.loads(without.splitlines()[0])
    assert with_probe == without


def test_what_is_still_missing_is_said(frozen_program):
    recording = frozen_program("import asyncio; asyncio.run(asyncio.sleep(0))")
    assert {note["hook"] for note in recording.notes_of("hook-missing")} <= {"loop.turn", "asyncio.wrong_loop"}
