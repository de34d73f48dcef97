"""anyio's Lock, Semaphore, Condition, CapacityLimiter and memory object streams on the asyncio backend.

From 4.5 on the backend has classes of its own; before, `anyio._core._synchronization` has the only ones (on any backend).
On trio the backend's classes hold trio's, which `_ah_locks_trio` sees. An anyio Event holds an asyncio or trio Event.
"""

import ast
import math
import os
import sys

from . import _ah_core as core
from . import _ah_locks as locks
from . import _ah_locks_births as births
from . import _ah_splice as splice
from . import _ah_wire as w

HOOK = "anyio.locks"

AH = locks.Hooks()


def inner_events(event):
    """The events behind an anyio Event, whichever backend made it."""
    yield event
    for name in ("_event", "_internal_event", "_Event__original"):
        try:
            inner = getattr(event, name, None)
        except Exception:
            inner = None
        if inner is not None:
            yield inner


@core.hook(HOOK)
def _wait(lock, op, event=None):
    if event is not None:
        for inner in inner_events(event):
            locks.hide(inner)
    locks.begin_wait(lock, op, sys._getframe(2), core.current_task_id())


@core.hook(HOOK)
def _woke(lock, ok, op, event=None):
    if event is not None:
        for inner in inner_events(event):
            locks.unhide(inner)
    locks.end_wait(lock, ok, op, core.current_task_id())


@core.hook(HOOK)
def _again(lock):
    """The library is about to refuse an acquire by the holder."""
    locks.refused(lock, sys._getframe(2), core.current_task_id())


def _hold(lock):
    """A task got the lock without waiting: its place is kept, and told when somebody waits; at `full` at once."""
    try:
        level = core.state.level
        if level:
            locks.held(lock, sys._getframe(1), core.current_task_id(), level)
    except Exception as error:
        core.fail(HOOK, error)


AH.wait, AH.woke, AH.born, AH.again, AH.hold = _wait, _woke, births.hook_for(HOOK), _again, _hold


def _waits(op):
    """A pick: `await future`, or `await event.wait()` of a local event."""
    number = str(int(op))

    def pick(value):
        if isinstance(value, ast.Name):
            return ", " + number
        function = getattr(value, "func", None)
        if isinstance(function, ast.Attribute) and function.attr == "wait" and isinstance(function.value, ast.Name):
            if function.value.id != "self":
                return ", %s, %s" % (number, function.value.id)
        return None

    return pick


def _address(owner):
    """Address of the task behind an asyncio Task or anyio's TaskInfo."""
    if owner is None:
        return 0
    return getattr(owner, "id", None) or id(owner)


def _lock_state(lock):
    owner = _address(lock._owner_task)
    return (owner, 0 if owner else 1, 0)


def _limiter_holders(limiter):
    """Borrowers may be any object; those that are tasks."""
    return [id(one) for one in list(limiter._borrowers) if hasattr(one, "get_coro") or hasattr(one, "coro")]


def _finite(number):
    return -1 if number == math.inf else int(number)


def _channel_state(state):
    return (0, len(state.buffer), 0)


def _file_of(thing):
    """The file that the code of a function names, which without sources is not the module's."""
    code = getattr(thing, "__code__", None)
    return code.co_filename if code is not None and "anyio" in code.co_filename else None


def _directory(module):
    path = os.path.dirname(next(filter(None, map(_file_of, vars(module).values())), module.__file__))
    while path and os.path.basename(path) != "anyio":
        parent = os.path.dirname(path)
        if parent == path:
            break
        path = parent
    return path + os.sep


def _own(cls, method):
    """The class's own method with a body to edit, or None."""
    return vars(cls).get(method)


def install_backend(module):
    """The classes of the asyncio backend (4.5 and later; CapacityLimiter always)."""
    locks.add_directory(_directory(module))
    for name in ("Lock", "Semaphore", "CapacityLimiter"):
        cls = getattr(module, name, None)
        if cls is None or not cls.__module__.endswith("_asyncio"):
            continue
        _describe(cls, name)


def install_core(module):
    """Condition, and before 4.5 Lock and Semaphore."""
    locks.add_directory(_directory(module))
    for name in ("Condition", "Lock", "Semaphore"):
        _describe(getattr(module, name), name)


def _describe(cls, name):
    method = _own(cls, {"Condition": "wait", "CapacityLimiter": "acquire_on_behalf_of"}.get(name, "acquire"))
    init = _own(cls, "__init__")
    if method is None or init is None or not {"_waiters", "_wait_queue"} & set(init.__code__.co_names):
        return  # only the abstract interface
    if name == "Lock":
        family = locks.Family(w.LOCK_LOCK, "anyio", lambda _: 1, _lock_state, True)
    elif name == "Semaphore":
        family = locks.Family(
            w.LOCK_SEMAPHORE,
            "anyio",
            lambda lock: lock._max_value if lock._max_value is not None else -1,
            lambda lock: (0, lock._value, 0),
        )
    elif name == "CapacityLimiter":
        family = locks.Family(
            w.LOCK_CAPACITY_LIMITER,
            "anyio",
            lambda lock: _finite(lock._total_tokens),
            lambda lock: (0, _finite(lock._total_tokens - len(lock._borrowers)), 0),
            holders=_limiter_holders,
        )
    else:
        family = locks.Family(w.LOCK_CONDITION, "anyio", lambda _: -1, lambda lock: (0, len(lock._waiters), 0))
    op = w.LOCK_OP_WAIT if name == "Condition" else w.LOCK_OP_ACQUIRE
    when = {
        "Lock": "self._owner_task",
        "Semaphore": "not self._value",
        "CapacityLimiter": "len(self._borrowers) >= self._total_tokens",
    }
    whole = (when.get(name, "True"), ", %d" % op)
    if splice.apply(HOOK, method, splice.wrap_awaits(_waits(op), AH, whole=whole)):
        locks.families[cls] = family
        if name == "Lock":
            for one in (method, _own(cls, "acquire_nowait")):
                splice.apply(HOOK, one, splice.before(splice.raises_error("RuntimeError"), "AH.again(self)", AH))
                splice.apply(HOOK, one, splice.after(splice.assigns("_owner_task"), "AH.hold(self)", AH))
        splice.apply(HOOK, init, splice.append("AH.born(self)", AH))


def install_memory(module):
    """Memory object streams: one channel for both ends and all clones."""
    state = getattr(module, "_MemoryObjectStreamState", None) or module.MemoryObjectStreamState
    locks.families[state] = locks.Family(
        w.LOCK_MEMORY_CHANNEL, "anyio.MemoryObjectStream", lambda s: _finite(s.max_buffer_size), _channel_state
    )
    receive, send = module.MemoryObjectReceiveStream, module.MemoryObjectSendStream
    get, put = w.LOCK_OP_GET, w.LOCK_OP_PUT
    full = "len(self._state.buffer) >= self._state.max_buffer_size and not self._state.waiting_receivers"
    whole = ("not self._state.buffer", ", %d" % get)
    splice.apply(HOOK, receive.receive, splice.wrap_awaits(_waits(get), AH, "self._state", whole=whole))
    splice.apply(HOOK, send.send, splice.wrap_awaits(_waits(put), AH, "self._state", whole=(full, ", %d" % put)))
    splice.apply(HOOK, receive.__post_init__, splice.append("AH.born(self._state)", AH))
