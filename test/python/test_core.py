"""The stream itself: hello, sync, definitions, notes, hooks that fail, requests, detail, several lives."""

import os
import sys

import pytest
from conftest import wire


def test_first_batch_has_hello_and_a_snapshot(probe_program):
    recording = probe_program("print('{}')")
    first = recording.batches[0]
    assert first["seq"] == 1
    assert first["hello"]["wire"] == wire.WIRE_VERSION
    assert first["hello"]["python"] == "%d.%d.%d" % sys.version_info[:3]
    assert first["hello"]["detail"] == "standard"
    names = [row.name for row in recording.rows]
    assert names.index("SYNC_BEGIN") < names.index("SYNC_END")


def test_batches_are_numbered_and_the_last_says_bye(probe_program):
    recording = probe_program("import time; time.sleep(0.2)")
    assert [batch["seq"] for batch in recording.batches] == list(range(1, len(recording.batches) + 1))
    assert [bool(batch.get("bye")) for batch in recording.batches] == [False] * (len(recording.batches) - 1) + [True]
    times = [batch["t"] for batch in recording.batches]
    assert times == sorted(times) and times[-1] > 150e6


def test_system_sample(probe_program):
    recording = probe_program("import time; time.sleep(0.1); x = [bytearray(1000) for _ in range(1000)]")
    sample = [batch["sys"] for batch in recording.batches if "sys" in batch][0]
    assert sample["rss"] > 1_000_000
    assert sample["threads"] >= 1
    assert sample["cpu"] >= 0
    if sys.platform.startswith("linux"):
        assert sample["fds"] >= 3


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc")
@pytest.mark.parametrize("newest", [True, False])
def test_open_files(probe_program, newest):
    """Their number is asked for; where the kernel does not say it, they are listed, and not again at once."""
    recording = probe_program(
        """
        import os, sys, time
        stat = os.stat
        class Nothing:
            st_size = 0
        if not %r:
            os.stat = lambda path, *more, **others: Nothing if path == "/proc/self/fd" else stat(path, *more, **others)
        from async_health import _ah_system as system
        before = system.open_files()
        kept = [open(os.devnull) for _ in range(20)]
        system._next_listing = 0.0
        after = system.open_files()
        print([before, after, len(os.listdir("/proc/self/fd")) - 1])
        """
        % newest
    )
    ((before, after, listed),) = recording.printed()
    assert after == before + 20 == listed


def test_a_busy_program_is_sent_a_batch_a_tick(probe_program):
    """Each write stands in line for the GIL again: what comes in meanwhile waits for the next tick."""
    recording = probe_program(
        """
        import asyncio, time
        async def nothing(): pass
        async def main():
            end = time.monotonic() + 1.5
            while time.monotonic() < end:
                await asyncio.ensure_future(nothing())
        asyncio.run(main())
        """,
        tickMs=100,
    )
    rows = len(recording.rows)
    assert rows > 5000
    assert len(recording.batches) < 1.5 / 0.1 * 1.5 + rows / 5400 + 5


def test_threads_of_several_loops_have_names(probe_program):
    recording = probe_program(
        """
        import asyncio, threading, time
        threads = [threading.Thread(target=asyncio.run, args=(asyncio.sleep(1.5),), name=name) for name in ("web", "jobs")]
        for thread in threads:
            thread.start()
        idents = [thread.ident for thread in threads]
        for thread in threads:
            thread.join()
        print(idents)
        """
    )
    (idents,) = recording.printed()
    told = [batch["sys"]["threadNames"] for batch in recording.batches if "threadNames" in batch.get("sys", {})]
    assert told[-1] == {str(idents[0]): "web", str(idents[1]): "jobs"}


def test_notes_keep_their_place_among_rows(probe_program):
    recording = probe_program(
        """
        from async_health import _ah_core as core
        for number in range(5):
            core.emit(1, number)
            core.note({"kind": "message", "level": "info", "text": str(number)})
        """
    )
    mine = [row for row in recording.rows if row.name == "NOTE" and row.note["kind"] == "message"]
    assert [row.note["text"] for row in mine] == ["0", "1", "2", "3", "4"]
    order = [
        row.obj if row.name == "TASK_NEW" else int(row.note["text"])
        for row in recording.rows
        if row.name == "TASK_NEW" or row in mine
    ]
    assert order == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4]


def test_stack_definitions(probe_program):
    recording = probe_program(
        """
        import sys
        from async_health import _ah_core as core
        def inner():
            core.emit(1, 7, 0, 0, core.stack_id(sys._getframe(), 30))
        def outer():
            inner()
        for _ in range(3):
            outer()
        """
    )
    rows = recording.named("TASK_NEW", obj=7)
    assert len({row.stack_column for row in rows}) == 1
    assert [frame[1:] for frame in rows[0].stack[:3]] == [("inner", 5), ("outer", 7), ("<module>", 9)]


def test_unrolled_walk_equals_the_loop(probe_program):
    recording = probe_program(
        """
        import sys, _thread
        from async_health import _ah_core as core, _ah_intern as intern
        limit = intern.STANDARD_DEPTH
        core.emit(1, 9, 0, limit)
        def down(depth):
            if depth > 1:
                return down(depth - 1)
            frame = sys._getframe()
            core.emit(1, 1, 0, 0, intern.standard_stack(frame)), core.emit(1, 2, 0, 0, core.stack_id(frame, limit + 1))
        def run(depth, done):
            down(depth)
            done.release()
        for frames in range(2, limit + 3):  # in a thread of its own the stack has just so many
            done = _thread.allocate_lock()
            done.acquire()
            _thread.start_new_thread(run, (frames - 1, done))
            done.acquire()
        """
    )
    limit = recording.named("TASK_NEW", obj=9)[0].aux
    walked, looped = ([row.stack for row in recording.named("TASK_NEW", obj=number)] for number in (1, 2))
    assert [len(stack) for stack in walked] == [min(frames, limit + 1) for frames in range(2, limit + 3)]
    for ours, theirs in zip(walked, looped):
        assert ours[:limit] == theirs[:limit]
        assert len(ours) <= limit or ours[limit] == ("", "...", 0)


def test_a_hook_that_throws_removes_itself_and_says_so_once(probe_program):
    recording = probe_program(
        """
        from async_health import _ah_core as core
        undone = []
        core.on_remove("mine", lambda: undone.append(1))
        @core.hook("mine")
        def observe():
            raise KeyError("oops")
        for _ in range(3):
            observe()
        print("{\\"undone\\": %d}" % len(undone))
        """
    )
    assert recording.printed() == [{"undone": 1}]
    assert [note["error"] for note in recording.notes_of("hook-removed")] == ["KeyError: 'oops'"]


def test_recursion_limit_in_a_hook_is_not_its_fault(probe_program):
    recording = probe_program(
        """
        from async_health import _ah_core as core
        @core.hook("deep")
        def observe(depth):
            if depth:
                raise RecursionError()
            print("{\\"alive\\": 1}")
        observe(1)
        observe(0)
        """
    )
    assert recording.printed() == [{"alive": 1}]
    assert recording.notes_of("hook-removed") == []


def test_requests_are_answered_while_the_program_blocks(probe_program):
    recording = probe_program(
        """
        import sys, time
        probe = sys.modules["async_health"]
        probe._rpc('{"id": 5, "method": "ping", "params": {}}')
        probe._rpc('{"id": 6, "method": "no such"}')
        probe._rpc('not json')
        end = time.perf_counter() + 0.3
        while time.perf_counter() < end:
            pass
        """
    )
    assert recording.replies[5]["result"]["detail"] == "standard"
    assert "no such" in recording.replies[6]["error"]
    assert "error" in recording.replies[0]


def test_detail_can_be_switched(probe_program):
    recording = probe_program(
        """
        import sys, time
        from async_health import _ah_core as core
        seen = []
        @core.on_detail
        def changed(level):
            seen.append(level)
        sys.modules["async_health"]._rpc('{"id": 1, "method": "setDetail", "params": {"detail": "full"}}')
        sys.modules["async_health"]._rpc('{"id": 2, "method": "setDetail", "params": {"detail": "huge"}}')
        time.sleep(0.2)
        print("[%d, %d]" % (seen[0], len(seen)))
        """
    )
    assert recording.printed() == [[2, 1]]
    assert recording.replies[1]["result"] == {"detail": "full"}
    assert "light, standard, full" in recording.replies[2]["error"]


def test_a_second_start_begins_a_new_life_of_the_stream(probe_program):
    recording = probe_program(
        """
        import asyncio, time
        from async_health import _ah_boot
        async def child():
            await asyncio.sleep(0.4)
        async def main():
            task = asyncio.create_task(child(), name="survivor")
            await asyncio.sleep(0.1)
            import start_options
            await asyncio.sleep(0.2)
            await task
        import sys, types, glob, os
        class Starter:
            def __getattr__(self, name):
                raise AttributeError(name)
        module = types.ModuleType("start_options")
        path = os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "probe.jsonl")
        import importlib.abc, importlib.machinery
        class Finder:
            def find_spec(self, name, path_=None, target=None):
                if name == "start_options":
                    _ah_boot.start({"sink": "file:" + path, "tickMs": 20})
                    return importlib.machinery.ModuleSpec(name, self)
            def create_module(self, spec):
                return None
            def exec_module(self, module):
                pass
        sys.meta_path.append(Finder())
        asyncio.run(main())
        """
    )
    hellos = [index for index, batch in enumerate(recording.batches) if "hello" in batch]
    assert len(hellos) == 2
    assert recording.batches[hellos[1]]["seq"] == 1
    # The task that was there before is stated again to the new listener.
    second = [row for row in recording.named("TASK_NEW") if row.text and row.text.endswith("child")]
    assert len(second) == 2 and second[0].obj == second[1].obj


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_forked_child_has_its_own_stream(probe_program):
    recording = probe_program(
        """
        import asyncio, os, sys, time, warnings
        warnings.simplefilter("ignore")
        async def parent_task(): await asyncio.sleep(0)
        async def child_task(): await asyncio.sleep(0)
        asyncio.run(parent_task())
        pid = os.fork()
        if not pid:
            asyncio.run(child_task())
            sys.exit(0)
        os.waitpid(pid, 0)
        """
    )
    pids = {batch["pid"] for batch in recording.batches}
    assert len(pids) == 2
    parent = recording.batches[0]["pid"]
    child = [batch for batch in recording.batches if batch["pid"] != parent]
    assert "hello" in child[0] and child[0]["seq"] == 1
    assert child[-1].get("bye")
    names = {}
    for batch in recording.batches:
        for _number, text in batch.get("defs", {}).get("strings", ()):
            names.setdefault(batch["pid"], set()).add(text)
    other = [pid for pid in pids if pid != parent][0]
    assert "parent_task" in names[parent] and "parent_task" not in names[other]
    assert "child_task" in names[other] and "child_task" not in names[parent]


def test_import_hook_tells_when_a_module_is_done(probe_program):
    recording = probe_program(
        """
        import sys, os
        with open(os.path.join(os.path.dirname(sys.argv[0]), "late.py"), "w") as file:
            file.write("value = 1\\nloader = __loader__\\n")
        with open(os.path.join(os.path.dirname(sys.argv[0]), "broken.py"), "w") as file:
            file.write("import nowhere_to_be_found\\n")
        sys.path.insert(0, os.path.dirname(sys.argv[0]))
        from async_health import _ah_core as core
        seen = []
        core.on_import("late", lambda module: seen.append(module.value))
        core.on_import("broken", lambda module: seen.append("broken"))
        core.on_import("os", lambda module: seen.append("os"))
        import late
        assert late.__spec__.loader is late.loader
        assert "exec_module" not in vars(late.loader)
        import traceback
        try:
            import broken
        except ImportError:
            text = traceback.format_exc()
        assert "importlib" not in text and "async_health" not in text, text
        import json
        print(json.dumps(seen))
        """
    )
    assert recording.printed() == [["os", 1]]


def test_backlog_is_boiled_down_and_counted(tmp_path):
    """With a blocked way out the buffer stays bounded: ends of begun things stay, the rest is counted, a sync follows."""
    from conftest import run_probe

    recording = run_probe(
        """
        import time
        from async_health import _ah_core as core, _ah_channel as channel
        core.emit(1, 77)
        time.sleep(0.1)
        sink = channel._sink
        sink.ready = lambda: False
        channel._BACKLOG_ROWS = 1000
        for number in range(2000):
            core.emit(1, 1000 + number)
            core.emit(2, 1000 + number)
        core.emit(2, 77)
        for _ in range(100):
            time.sleep(0.05)
            if len(core.buf) < 100:
                break
        assert len(core.buf) < 100, len(core.buf)
        del sink.ready
        time.sleep(0.5)
        """,
        tmp_path,
    )
    assert [row.obj for row in recording.named("TASK_END")] == [77]
    assert recording.batches[-1]["dropped"]["rows"] == 4000
    assert len(recording.named("SYNC_BEGIN")) == 2
