"""The probe's own thread and its way out: drains the buffer each tick, answers requests, sends messages.

The thread is a daemon, invisible to the debugger, and never touches an event loop directly, so it works while the
program runs, stands at a breakpoint, or blocks. It holds the GIL for at most about 0.5 ms at a time.
"""

import _thread
import collections
import json
import os
import sys
import threading
import time

from . import _ah_core as core
from . import _ah_imports, _ah_intern
from . import _ah_pack as packing
from . import _ah_wire as wire
from ._ah_pace import REST_S, SLICE_NS, clock, rests

_OP_WIDTH = wire.ROW_WIDTH
#: Rows in one message; encoding them takes 0.3 ms.
_BATCH_ROWS = 5400
#: Rows waiting when the way out is blocked; beyond it they are boiled down.
_BACKLOG_ROWS = 200000

_requests = collections.deque()
_wake = _thread.allocate_lock()
_send_lock = threading.RLock()
_sink = None
_seq = 0
_thread_object = None
_stopping = False
_hello_due = False
_sync_due = False
_system = None  # _ah_system.sample, set by that module
_seen_libraries = {}


def set_sink(sink):
    """Send to `sink` from now on, beginning a new life: hello, then a sync."""
    global _sink, _seq, _hello_due, _sync_due
    with _send_lock:
        _sink = sink
        _seq = 0
        _hello_due = sink is not None
        _sync_due = sink is not None
        _seen_libraries.clear()
        core.state.live = sink is not None


def send(message, rows=None):
    """Send one message now, `rows` (base64) as its rows; False when there is no way out."""
    with _send_lock:
        if _sink is None:
            return False
        try:
            return _sink.send(message, rows)
        except Exception:
            if core._shutting_down():
                return False
            core.state.live = False
            return False


# --- batches ------------------------------------------------------------------------------------------------------


def request_sync():
    """Restate everything at the next tick."""
    global _sync_due
    _sync_due = True


_ENDS = frozenset(
    getattr(wire, name)
    for name in (
        "OP_TASK_END OP_SCOPE_LEAVING OP_SCOPE_EXIT OP_SCOPE_LOST OP_LOCK_GONE OP_LOCK_FREE OP_LOCK_WAIT_END OP_SESSION_CLOSE "
        "OP_SESSION_LOST OP_LOOP_END OP_LOOP_BLOCK_END OP_GEN_FINAL OP_GEN_END OP_NOTE"
    ).split()
)
_BEGINS = frozenset(
    getattr(wire, name)
    for name in "OP_TASK_NEW OP_SCOPE_ENTER OP_LOCK_NEW OP_SESSION_OPEN OP_LOOP_NEW OP_GEN_NEW OP_LOCK_WAIT OP_LOCK_HOLD".split()
)


def boil_down():
    """The way out is blocked and the buffer is full: keep the ends of what was begun before, drop and count the rest.

    A sync follows once the way is free, so what began meanwhile is stated then.
    """
    buf = core.buf
    count = len(buf)
    begun = set()
    kept = []
    for at in range(0, count, _OP_WIDTH):
        row = buf[at : at + _OP_WIDTH]
        op = row[0]
        if op in _BEGINS:
            begun.add(row[2])
        elif op in _ENDS and row[2] not in begun:
            kept.extend(row)
            continue
        core.state.dropped_rows += 1
        if at % packing.SLICE == 0:
            time.sleep(REST_S)
    buf[:count] = kept
    request_sync()


def _hello():
    state = core.state
    return {
        "wire": wire.WIRE_VERSION,
        "python": "%d.%d.%d" % sys.version_info[:3],
        "implementation": {"cpython": "CPython", "pypy": "PyPy"}.get(sys.implementation.name, sys.implementation.name),
        "executable": sys.executable or "",
        "argv": [str(word) for word in getattr(sys, "argv", [])],
        "cwd": _ah_intern._cwd,
        "parentPid": os.getppid() if hasattr(os, "getppid") else 0,
        "libraries": libraries(),
        "detail": state.detail,
        "epochMs": state.epoch_ms,
    }


#: Modules whose version matters for advice.
_LIBRARIES = (
    "anyio trio uvloop aiohttp httpx httpcore mcp sqlalchemy asyncpg websockets redis starlette fastapi uvicorn gunicorn "
    "aiofiles aiomysql psycopg motor curio tornado pytest pytest_asyncio sniffio exceptiongroup debugpy"
).split()
_DISTRIBUTIONS = {"pytest_asyncio": "pytest-asyncio"}


def libraries():
    """Versions of the imported libraries that matter, without importing anything of them."""
    for name in _LIBRARIES:
        module = sys.modules.get(name)
        if module is None or name in _seen_libraries:
            continue
        version = vars(module).get("__version__") if hasattr(module, "__dict__") else None
        if not isinstance(version, str):
            version = _distribution_version(module, name)
        if version is not None:
            _seen_libraries[name] = version
    return dict(_seen_libraries)


def _distribution_version(module, name):
    """Version from the metadata folder beside the package: reads one directory, imports nothing. '' when unknown."""
    spec = getattr(module, "__spec__", None)
    if spec is None or getattr(spec, "_initializing", False):
        return None
    path = getattr(module, "__file__", None)
    if not path:
        return ""
    site = os.path.dirname(os.path.dirname(path) if os.path.basename(path).startswith("__init__") else path)
    start = _DISTRIBUTIONS.get(name, name).replace("-", "_").lower() + "-"
    try:
        for entry in os.listdir(site):
            low = entry.lower()
            if low.startswith(start) and low.endswith((".dist-info", ".egg-info")):
                return entry[len(start) :].rsplit(".", 1)[0]
    except OSError:
        pass
    return ""


def _library_notes():
    before = set(_seen_libraries)
    for name, version in libraries().items():
        if name not in before:
            core.note({"kind": "library", "name": name, "version": version})


def _sync():
    global _sync_due
    _sync_due = False
    core.emit(wire.OP_SYNC_BEGIN)
    for callback in tuple(core.sync_callbacks):
        callback()
    core.emit(wire.OP_SYNC_END)


def flush(bye=False):
    """Send all that waits. On the probe's thread, or at exit on the main one.

    What comes in meanwhile is for the next tick: after each write this thread stands in line for the GIL, and a program that
    has rows all the time would have it stand there all the time (see `_ah_pace`).
    """
    global _seq, _hello_due
    state = core.state
    if _sink is None:
        packing.clear()
        core.notes.clear()
        _ah_intern.forget_pending()
        return
    if not bye and not _sink.ready():
        if len(core.buf) > _BACKLOG_ROWS * _OP_WIDTH:
            boil_down()
        return
    with _send_lock:
        first = True
        end = clock() + SLICE_NS
        left = packing.waiting()
        while first or (packing.waiting() if bye else left > 0):
            rows, taken_notes = packing.take(_BATCH_ROWS)
            left -= _BATCH_ROWS
            definitions = _ah_intern.take_definitions()
            system = _system() if first and _system is not None else None
            batch = {"type": "batch", "pid": state.pid, "seq": _seq + 1, "t": core.now() - state.t0}
            if _hello_due:
                batch["hello"] = _hello()
                _hello_due = False
            if rows:
                batch["base"] = state.t0
            if definitions:
                batch["defs"] = definitions
            if taken_notes:
                batch["notes"] = taken_notes
            if system is not None:
                batch["sys"] = system
            if state.dropped_rows or state.dropped_stacks or state.dropped_notes:
                batch["dropped"] = {
                    "rows": state.dropped_rows,
                    "stacks": state.dropped_stacks,
                    "notes": state.dropped_notes,
                }
            first = False
            if bye and not packing.waiting():
                batch["bye"] = True
            _seq += 1
            if not send(batch, rows):
                return
            if left > 0 and clock() > end and not bye:
                time.sleep(REST_S)
                end = clock() + SLICE_NS
            if not bye and (_draining or not _sink.ready()):
                return


_draining = False


def _drain():
    """A long walk rests: send what it has said so far, a batch at a time, so that the buffer stays short."""
    global _draining
    if packing.waiting() < _BATCH_ROWS or _sink is None or _draining:
        return
    _draining = True
    try:
        flush()
    finally:
        _draining = False


rests.append(_drain)


# --- requests -----------------------------------------------------------------------------------------------------


def queue_request(text):
    """`async_health._rpc`: take a `ProbeRequest` as JSON, answer later. Returns at once."""
    _requests.append(text)
    wake()


def wake():
    """Have the probe's thread look at its requests now."""
    try:
        _wake.release()
    except RuntimeError:  # it is awake
        pass


def _answer_requests():
    while _requests:
        text = _requests.popleft()
        number = 0
        reply = {"type": "reply", "pid": core.state.pid}
        try:
            request = json.loads(text) if isinstance(text, str) else text
            number = request.get("id", 0)
            method = request.get("method")
            function = core.rpc_methods.get(method)
            if function is None:
                reply["error"] = "the probe does not know the request %r" % (method,)
            else:
                reply["result"] = function(request.get("params") or {})
                json.dumps(reply["result"])
        except Exception as error:
            reply.pop("result", None)
            reply["error"] = core._describe(error)
        reply["id"] = number
        send(reply)


@core.rpc("sync")
def _request_sync(_params):
    request_sync()
    return True


@core.rpc("ping")
def _ping(_params):
    return {"t": core.now() - core.state.t0, "detail": core.state.detail}


@core.rpc("detach")
def _detach(_params):
    """The adapter goes: nothing is sent until it, or another one, starts the probe again."""
    set_sink(None)
    return True


# --- the thread ---------------------------------------------------------------------------------------------------


def _run():
    core.state.thread_ident = _thread.get_ident()
    _leave_tracing()
    _wake.acquire(False)
    due = time.monotonic()
    slow = 0
    while not _stopping:
        try:
            rest = due - time.monotonic()
            if rest > 0:
                _wake.acquire(True, min(rest, core.state.poll_s))
            if _stopping:
                return
            for callback in tuple(core.poll_callbacks):
                callback()
            if _requests:
                _answer_requests()
            if time.monotonic() < due:
                continue
            due = time.monotonic() + core.state.tick_s
            slow += 1
            _ah_imports.poll()
            if slow % 10 == 0 and _sink is not None:
                _library_notes()
            for callback in tuple(core.tick_callbacks):
                callback()
            if _sync_due and _sink is not None and _sink.ready():
                _sync()
            flush()
        except Exception as error:
            if core._shutting_down():
                return
            core.fail("thread", error)
            due = time.monotonic() + core.state.tick_s


def _leave_tracing():
    """This thread is none of the debugger's (or a profiler's) business."""
    try:
        if "pydevd" not in sys.modules:  # it warns on stderr, and `pydev_do_not_trace` tells it already
            sys.settrace(None)
        sys.setprofile(None)
        monitoring = sys.modules.get("_pydevd_sys_monitoring.pydevd_sys_monitoring")
        if monitoring is not None and hasattr(sys, "monitoring"):
            monitoring.stop_monitoring(all_threads=False)
    except Exception:
        pass


def start_thread():
    """Start the probe's thread, once per process."""
    global _thread_object, _stopping
    if _thread_object is not None and _thread_object.is_alive():
        return
    _stopping = False
    thread = threading.Thread(target=_run, name="async-health", daemon=True)
    # pydevd leaves such a thread running while the program stands at a breakpoint, and shows it nowhere.
    thread.pydev_do_not_trace = True
    thread.is_pydev_daemon_thread = True
    _thread_object = thread
    thread.start()


def stop(bye=True):
    """At exit: one last look and the last batch. Waits for the thread at most half a second."""
    global _stopping, _sink
    if _stopping:
        return
    _stopping = True
    wake()
    thread = _thread_object
    if thread is not None and thread.is_alive() and thread.ident != _thread.get_ident():
        thread.join(0.5)
    if _sink is not None and bye and _send_lock.acquire(timeout=0.5):
        try:
            for callback in tuple(core.tick_callbacks):
                callback()
            flush(bye=True)
        except Exception:
            pass
        finally:
            _send_lock.release()
    core.state.live = False


#: Longest wait for the debugger's writer when the process is about to end at once, s.
_DRAIN_S = 0.5


def stop_and_drain():
    """Before the process ends without any exit function: as `stop`, and until it is written."""
    sink = _sink
    stop()
    if sink is not None:
        sink.drain(_DRAIN_S)


def flush_and_drain():
    """Before the process may become another program: send what waits."""
    sink = _sink
    if sink is not None and _send_lock.acquire(timeout=_DRAIN_S):
        try:
            flush()
        finally:
            _send_lock.release()
        sink.drain(_DRAIN_S)


def after_fork_in_child():
    """A forked child has no thread of ours and must not write into the parent's connection."""
    global _send_lock, _wake, _thread_object, _sink, _stopping
    _send_lock = threading.RLock()
    _wake = _thread.allocate_lock()
    _thread_object = None
    _stopping = False
    _requests.clear()
    core.reset_after_fork()
    packing.after_fork_in_child()
    _ah_intern.forget()
    sink = _sink
    set_sink(None if sink is None or sink.ends_at_fork else sink)
    return _sink is not None
