"""Failures that nobody looks at, coroutines dropped unrun, use from the wrong loop or thread."""

import os
import sys

import pytest


def test_exception_never_retrieved(probe_program):
    recording = probe_program(
        """
        import asyncio, gc

        async def boom():
            raise ValueError("nobody looks")

        async def main():
            task = asyncio.ensure_future(boom())
            print([id(task)])
            await asyncio.sleep(0.01)
            del task
            gc.collect()
            future = asyncio.get_running_loop().create_future()
            future.set_exception(KeyError("future"))
            del future
            gc.collect()

        asyncio.run(main())
        """
    )
    ((task,),) = recording.printed()
    of_task, of_future = recording.notes_of("exception-never-retrieved")
    assert of_task["task"] == task and of_task["exception"] == "ValueError: nobody looks"
    assert recording.stack(of_task["stack"])[0][1] == "boom"
    assert of_future["task"] == 0 and "KeyError" in of_future["exception"]
    assert "never retrieved" in recording.stderr


def test_loop_exception(probe_program):
    recording = probe_program(
        """
        import asyncio

        def callback():
            1 / 0

        async def main():
            asyncio.get_running_loop().call_soon(callback)
            await asyncio.sleep(0.01)

        asyncio.run(main())
        """
    )
    (note,) = recording.notes_of("loop-exception")
    assert note["exception"] == "ZeroDivisionError: division by zero"
    assert recording.stack(note["stack"])[0][1] == "callback"


NEVER = """
    import asyncio, warnings

    async def forgotten():
        pass

    async def main():
        forgotten()

    asyncio.run(main())
"""


def test_never_awaited_and_the_warning_is_the_same(probe_program, plain_program):
    recording = probe_program(NEVER)
    (note,) = recording.notes_of("never-awaited")
    assert note["coroutine"] == "forgotten"
    assert recording.stack(note["stack"])[0][1:] == ("main", 8)
    assert recording.stderr == plain_program(NEVER)[1]


def test_never_awaited_with_origin_tracking(probe_program):
    recording = probe_program(
        NEVER.replace(
            "asyncio.run(main())", "import sys; sys.set_coroutine_origin_tracking_depth(5); asyncio.run(main())"
        )
    )
    (note,) = recording.notes_of("never-awaited")
    assert recording.stack(note["stack"])[0] == ("program.py", "main", 8)
    assert "Coroutine created at" in recording.stderr


@pytest.mark.skipif(sys.version_info < (3, 10), reason="before, a lock takes its loop when it is made")
def test_lock_of_another_loop(probe_program):
    recording = probe_program(
        """
        import asyncio

        lock = asyncio.Lock()

        async def worker():
            async with lock:
                await asyncio.sleep(0.01)

        async def main():
            await asyncio.gather(worker(), worker())

        asyncio.run(main())
        try:
            asyncio.run(main())
        except RuntimeError as error:
            print("bound to a different" in str(error))
        """
    )
    assert recording.stdout.strip() == "True"
    (note,) = recording.notes_of("wrong-loop")
    assert note["what"] == "asyncio.Lock"
    assert note["loop"] and note["expectedLoop"] and note["loop"] != note["expectedLoop"]
    assert recording.stack(note["stack"])[0][1] == "worker"


def test_future_of_another_loop_and_call_soon_from_a_thread(probe_program):
    recording = probe_program(
        """
        import asyncio, threading

        async def waits(future):
            await future

        def other(future):
            try:
                asyncio.run(waits(future))
            except RuntimeError:
                pass

        def foreign(loop):
            loop.call_soon(print, "called")

        async def main():
            loop = asyncio.get_running_loop()
            future = loop.create_future()
            thread = threading.Thread(target=other, args=(future,))
            thread.start()
            thread.join()
            thread = threading.Thread(target=foreign, args=(loop,))
            thread.start()
            thread.join()
            await asyncio.sleep(0.05)
            await loop.run_in_executor(None, int)
            loop.call_soon_threadsafe(int)

        asyncio.run(main())
        """
    )
    future, thread = recording.notes_of("wrong-loop")
    assert future["what"] == "Future" and recording.stack(future["stack"])[0][1] == "waits"
    assert thread["what"] == "loop.call_soon" and recording.stack(thread["stack"])[0][1] == "foreign"
    assert recording.stdout.strip() == "called"


UNSEEN = {"thresholds": {"unseenFailureMs": 200}}


def test_a_failure_of_a_task_that_is_kept(probe_program, plain_program):
    """It is told while the task is referred to, is over when somebody looks, and asyncio's own complaint stays as it is."""
    source = """
        import asyncio, gc

        async def boom(number):
            raise ValueError("number %d" % number)

        async def main():
            kept = [asyncio.ensure_future(boom(0)), asyncio.ensure_future(boom(1))]
            print([id(task) for task in kept])
            asked = asyncio.ensure_future(boom(2))
            waited = asyncio.ensure_future(asyncio.gather(asyncio.ensure_future(boom(3)), return_exceptions=True))
            await asyncio.sleep(0.01)
            asked.exception()
            await asyncio.sleep(1.5)
            kept[0].exception()
            await asyncio.sleep(0.3)
            del kept
            gc.collect()
            await asyncio.sleep(0.3)

        asyncio.run(main())
    """
    recording = probe_program(source, **UNSEEN)
    ((first, second),) = recording.printed()
    unseen = recording.notes_of("exception-unseen")
    assert [note["task"] for note in unseen] == [first, second]
    assert unseen[0]["exception"] == "ValueError: number 0" and 200 <= unseen[0]["ageMs"] < 1700
    assert recording.stack(unseen[0]["stack"])[0][1] == "boom"
    assert [note["task"] for note in recording.notes_of("exception-seen")] == [first, second]
    (lost,) = recording.notes_of("exception-never-retrieved")
    assert lost["task"] == second
    order = [note["kind"] for note in recording.notes if note.get("task") == second]
    assert order == ["exception-unseen", "exception-never-retrieved", "exception-seen"]
    complaint = recording.stderr
    assert complaint.count("never retrieved") == 1
    assert complaint.count("never retrieved") == plain_program(source)[1].count("never retrieved")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_failures_of_a_forked_child_are_its_own(probe_program):
    recording = probe_program(
        """
        import asyncio, os, time

        async def boom():
            raise ValueError("of the parent")

        async def main():
            kept = asyncio.ensure_future(boom())
            await asyncio.sleep(0.05)
            child = os.fork()
            if not child:
                time.sleep(1.2)
                os._exit(0)
            os.waitpid(child, 0)
            kept.exception()

        asyncio.run(main())
        """,
        **UNSEEN,
    )
    assert len(recording.notes_of("exception-unseen")) == 1
