"""What a suspended trio task waits for, told from the functions on its await chain."""

from . import _ah_core as core
from . import _ah_intern as intern
from . import _ah_locks as locks
from . import _ah_splice as splice
from . import _ah_wire as w

#: id(code) -> (code, Wait); both the function's own code and the edited one.
_meaning = {}

#: module -> {qualified attribute: Wait}
_TABLE = {
    "trio._timeouts": {
        "sleep_forever": w.WAIT_SLEEP,
        "sleep_until": w.WAIT_SLEEP,
        "sleep": w.WAIT_SLEEP,
    },
    "trio._sync": {
        "Event.wait": w.WAIT_EVENT,
        "CapacityLimiter.acquire_on_behalf_of": w.WAIT_SEMAPHORE,
        "Semaphore.acquire": w.WAIT_SEMAPHORE,
        "Lock.acquire": w.WAIT_LOCK,
        "Condition.wait": w.WAIT_CONDITION,
    },
    "trio._channel": {
        "MemorySendChannel.send": w.WAIT_QUEUE_PUT,
        "MemoryReceiveChannel.receive": w.WAIT_QUEUE_GET,
    },
    "trio._threads": {"to_thread_run_sync": w.WAIT_EXECUTOR},
    "trio._core._run": {
        "Nursery._nested_child_finished": w.WAIT_GROUP,
        "Nursery.start": w.WAIT_GROUP,
    },
    "trio._core._parking_lot": {},
    "trio._subprocess": {"Process.wait": w.WAIT_IO},
    "trio._socket": {},
}

_IO_FILES = ("_io_epoll.py", "_io_kqueue.py", "_io_windows.py")


def of(task):
    """(awaited address or 0, Wait) of a suspended task."""
    awaitable = task.coro
    kind = w.WAIT_UNKNOWN
    depth = 0
    while awaitable is not None and depth < 64:
        frame = intern.frame_of(awaitable)
        if frame is not None:
            code = frame.f_code
            known = _meaning.get(id(code))
            if known is not None and known[0] is code:
                kind = known[1]
            elif code.co_filename.endswith(_IO_FILES):
                kind = w.WAIT_IO
        awaitable = intern.next_awaited(awaitable)
        depth += 1
    if kind == w.WAIT_GROUP:
        nurseries = task._child_nurseries
        return (id(nurseries[-1].cancel_scope) if nurseries else 0, kind)
    lock = locks.waiting_for(id(task))
    return (lock, kind)


def _learn(module):
    for path, kind in _TABLE[module.__name__].items():
        target = module
        for name in path.split("."):
            target = getattr(target, name, None)
        if target is None:
            continue
        try:
            function = splice.underlying(target)
        except splice.SpliceError:
            continue
        for code in (function.__code__, splice.original_code(function)):
            _meaning[id(code)] = (code, kind)


def install():
    """Learn the functions, each module once it is imported; after the hooks that edit them."""
    for name in _TABLE:
        core.on_import(name, _learn)
