"""Samples of the process: CPU, memory, threads, open files, pauses of the garbage collector."""

import collections
import gc
import os
import sys
import time

from . import _ah_channel as channel
from . import _ah_core as core
from . import _ah_wire as wire

#: Seconds between two looks at what costs more than a clock: memory, files. The number of files is a directory listing.
_PERIOD_S = 1.0

_last_wall = 0.0
_last_cpu = 0.0
_next = 0.0
_page = 4096
#: The last count of open files, and when the next one may be made by a listing of the directory.
_files = -1
_next_listing = 0.0
#: A listing that took long (many files, a busy program) is not made again for so many times as long.
_LISTING_SHARE = 100
_gc_started = 0
_gc_thread = 0
_collections = 0
_pause_ns = 0
_longest_ns = 0
#: The program asked for the collection that runs.
_asked = False
#: (began, ended) of the last long collections that ran by themselves, raw ns.
_long = collections.deque(maxlen=8)
#: A collection this long may be what keeps a loop, ns.
_LONG_NS = 5_000_000


def install(_options):
    """Have each batch carry a sample, once per second."""
    global _page
    try:
        _page = os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        pass
    gc.callbacks.append(_collecting)
    core.on_remove("system.gc", lambda: gc.callbacks.remove(_collecting))
    core.on_start(_restart)
    _restart()
    channel._system = sample


def _restart():
    global _last_wall, _last_cpu, _next
    _last_wall = time.monotonic()
    _last_cpu = time.process_time()
    _next = 0.0


def _collecting(phase, _info):
    """Called by the collector around each collection; about 0.2 us."""
    global _gc_started, _collections, _pause_ns, _longest_ns, _asked
    try:
        if phase == "start":
            # Who triggered it runs `gc.collect()` somewhere in this function, or merely allocates.
            _asked = "collect" in sys._getframe(1).f_code.co_names
            _gc_started = time.perf_counter_ns()
        elif _gc_started:
            began, _gc_started = _gc_started, 0
            ended = time.perf_counter_ns()
            pause = ended - began
            if pause > _LONG_NS and not _asked:
                _long.append((began, ended))
            _collections += 1
            _pause_ns += pause
            if pause > _longest_ns:
                _longest_ns = pause
    except Exception:  # interpreter shutdown
        pass


def tell_block(op, loop, task, lasted, stack):
    """A loop's block of `lasted` ns up to now; first how much of it was the collector, run by itself."""
    moment = time.perf_counter_ns()
    since = moment - lasted
    running = _gc_started
    spent = moment - max(since, running) if running and not _asked else 0
    for began, ended in list(_long):
        spent += max(0, ended - max(since, began))
    if spent:
        core.emit(wire.OP_LOOP_COLLECTED, loop, 0, spent)
    core.emit(op, loop, task, lasted, stack)


def sample():
    """A `SystemSample`, or None when the last one is less than a second old."""
    global _last_wall, _last_cpu, _next
    wall = time.monotonic()
    if wall < _next:
        return None
    cpu = time.process_time()
    span = wall - _last_wall
    use = (cpu - _last_cpu) / span if span > 0.01 else 0.0
    _last_wall, _last_cpu, _next = wall, cpu, wall + _PERIOD_S
    found = {
        "cpu": round(max(0.0, use), 4),
        "rss": resident_bytes(),
        "threads": thread_count(),
        "fds": open_files(),
        "gc": {"collections": _collections, "pauseNs": _pause_ns, "longestNs": _longest_ns},
    }
    names = _loop_threads()
    if names:
        found["threadNames"] = names
    if hasattr(time, "thread_time_ns"):
        found["probeNs"] = time.thread_time_ns()
    return found


def _loop_threads():
    """{identifier: name} of the threads whose loops must be told apart; a few microseconds when there is one loop."""
    loops = sys.modules.get(__package__ + "._ah_loop")
    idents = {known.thread for known in list(loops._loops.values())} if loops is not None else ()
    if len(idents) < 2:
        return None
    threading = sys.modules.get("threading")
    # Not `enumerate()`: the thread that holds its lock may stand at a breakpoint.
    alive = dict(getattr(threading, "_active", ()))
    return {str(ident): str(alive[ident].name)[:100] for ident in idents if ident in alive}


def resident_bytes():
    """Resident memory. Linux: now; macOS without ps: the peak (all that `resource` tells); Windows: 0 without ctypes loaded."""
    try:
        file = os.open("/proc/self/statm", os.O_RDONLY)  # `open()` makes three more system calls
        try:
            return int(os.read(file, 200).split()[1]) * _page
        finally:
            os.close(file)
    except (OSError, ValueError, IndexError):
        pass
    try:
        import resource

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * 1024
    except ImportError:
        return 0


def thread_count():
    """The program's threads: those that the interpreter runs Python in, less the probe's and the debugger's own."""
    threading = sys.modules.get("threading")
    threads = list(getattr(threading, "_active", {}).values())
    return sum(1 for thread in threads if not getattr(thread, "is_pydev_daemon_thread", False))


def open_files():
    """Open file descriptors, -1 where the platform cannot tell."""
    global _files, _next_listing
    try:
        count = os.stat("/proc/self/fd").st_size  # Linux 6.2 and later
        if count:
            return count
    except OSError:
        pass
    began = time.monotonic()
    if began < _next_listing:
        return _files
    _files = -1
    for path in ("/proc/self/fd", "/dev/fd"):
        try:
            _files = max(0, len(os.listdir(path)) - 1)  # less the one of the listing
            break
        except OSError:
            continue
    ended = time.monotonic()
    _next_listing = ended + _LISTING_SHARE * (ended - began)
    return _files
