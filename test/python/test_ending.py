"""However a program ends by its own doing, what happened in its last tick is told, and it ends as it does without the probe."""

import os
import signal
import sys

import pytest

ENDS = {
    "_exit": ("os._exit(3)", 3),
    "_exit by keyword": ("os._exit(status=4)", 4),
    "abort": ("resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); os.abort()", -signal.SIGABRT),
    "execv": ("os.execv(sys.executable, [sys.executable, '-c', 'raise SystemExit(5)'])", 5),
    "execlp": ("os.execlp(sys.executable, sys.executable, '-c', 'raise SystemExit(6)')", 6),
    "execvpe": ("os.execvpe(sys.executable, [sys.executable, '-c', 'raise SystemExit(7)'], os.environ)", 7),
}

PROGRAM = """
    import asyncio, os, resource, sys, threading

    async def last(number):
        await asyncio.sleep(0)

    async def main():
        for number in range(10):
            await asyncio.ensure_future(last(number))
        {end}

    asyncio.run(main())
"""


@pytest.mark.parametrize("how", list(ENDS))
def test_the_last_tick_is_told(probe_program, plain_program, how):
    end, code = ENDS[how]
    source = PROGRAM.format(end=end)
    recording = probe_program(source, tickMs=60_000, check=False)
    assert recording.returncode == code == plain_program(source)[2]
    assert len([row for row in recording.named("TASK_NEW") if row.text.endswith("last")]) == 10
    assert len(recording.named("TASK_END")) == 10
    assert recording.stderr.replace("Aborted (core dumped)", "") == ""
    said = [bool(batch.get("bye")) for batch in recording.batches]
    assert said[-1] is not how.startswith("exec")  # an exec might fail, so it is no farewell


def test_an_exec_that_fails_and_a_wrong_status_change_nothing(probe_program):
    recording = probe_program(
        """
        import asyncio, os

        async def after():
            pass

        for action in (lambda: os.execv("/nowhere/at/all", ["x"]), lambda: os._exit("three"), lambda: os._exit()):
            try:
                action()
            except (OSError, TypeError) as error:
                print(type(error).__name__)
        asyncio.run(after())
        """,
        tickMs=60_000,
    )
    assert recording.stdout.split() == ["FileNotFoundError", "TypeError", "TypeError"]
    assert recording.named("TASK_NEW")[0].text == "after"
    assert [bool(batch.get("bye")) for batch in recording.batches].count(True) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_forked_children_tell_their_last_tick(probe_program):
    recording = probe_program(
        """
        import asyncio, multiprocessing, os

        async def in_child():
            await asyncio.sleep(0)

        def child():
            asyncio.run(in_child())

        if __name__ == "__main__":
            process = multiprocessing.get_context("fork").Process(target=child)
            process.start()
            process.join()
            print([process.exitcode, process.pid])
        """,
        tickMs=60_000,
    )
    ((code, pid),) = recording.printed()
    assert code == 0
    batches = [batch for batch in recording.batches if batch["pid"] == pid]
    assert batches and batches[-1].get("bye")
    assert "in_child" in recording.strings.values()


def test_it_is_seen_as_the_same_function(probe_program):
    recording = probe_program(
        """
        import inspect, os, pickle

        print([os._exit.__name__, os._exit.__module__, str(inspect.signature(os._exit)), os.execv.__name__])
        assert pickle.loads(pickle.dumps(os._exit)) is os._exit
        """.replace("print([", "import json; print(json.dumps([").replace("__name__])", "__name__]))")
    )
    assert recording.printed() == [["_exit", os._exit.__module__, "(status)", "execv"]]


def test_a_way_out_that_does_not_move_holds_nobody_up(probe_program):
    recording = probe_program(
        """
        import os, sys, threading, time

        channel = sys.modules["async_health._ah_channel"]

        class Stuck:
            ends_at_fork = False

            def ready(self):
                return True

            def send(self, message, rows=None):
                return True

            def drain(self, seconds):
                threading.Lock().acquire() and time.sleep(seconds)

        channel.set_sink(Stuck())
        held = threading.Thread(target=lambda: (channel._send_lock.acquire(), time.sleep(30)), daemon=True)
        held.start()
        time.sleep(0.1)
        began = time.monotonic()
        real = os._exit.__wrapped__
        channel.stop_and_drain()
        print([time.monotonic() - began], flush=True)
        real(0)
        """
    )
    ((seconds,),) = recording.printed()
    assert seconds < 3


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_killed_from_outside_all_but_the_last_tick_is_told(probe_program):
    recording = probe_program(
        """
        import asyncio, os, signal, time

        async def early():
            pass

        async def late():
            pass

        asyncio.run(early())
        time.sleep(0.3)
        asyncio.run(late())
        os.kill(os.getpid(), signal.SIGKILL)
        """,
        tickMs=50,
        check=False,
    )
    assert recording.returncode == -signal.SIGKILL
    assert "early" in [row.text for row in recording.named("TASK_NEW")]
