"""What a suspended asyncio task waits for, and who thereby awaits whom. Reads only; called on the probe's thread.

The kind comes from the innermost functions of the chain (asyncio's own, known by file and first line, so it holds for
instrumented code too) and from the awaited future's type and callbacks.
"""

import os
import sys

from . import _ah_wire as wire
from ._ah_intern import frame_of, next_awaited

#: (file, first line, name) of known functions -> WAIT_* kind.
_functions = {}
#: The same by file alone: transports and streams.
_files = {}
_gathering = None
_task_types = ()
_locks = None

_LOCK_KINDS = {
    wire.LOCK_LOCK: wire.WAIT_LOCK,
    wire.LOCK_RLOCK: wire.WAIT_LOCK,
    wire.LOCK_SEMAPHORE: wire.WAIT_SEMAPHORE,
    wire.LOCK_BOUNDED_SEMAPHORE: wire.WAIT_SEMAPHORE,
    wire.LOCK_CONDITION: wire.WAIT_CONDITION,
    wire.LOCK_EVENT: wire.WAIT_EVENT,
    wire.LOCK_BARRIER: wire.WAIT_BARRIER,
    wire.LOCK_CAPACITY_LIMITER: wire.WAIT_SEMAPHORE,
}
_OP_KINDS = {
    wire.LOCK_OP_GET: wire.WAIT_QUEUE_GET,
    wire.LOCK_OP_PUT: wire.WAIT_QUEUE_PUT,
    wire.LOCK_OP_JOIN: wire.WAIT_QUEUE_JOIN,
}


def learn_asyncio(asyncio):
    """Fill the tables from the imported asyncio."""
    global _gathering, _task_types, _locks
    tasks = asyncio.tasks
    _gathering = getattr(tasks, "_GatheringFuture", None)
    _task_types = tuple({kind for kind in (tasks.Task, getattr(tasks, "_PyTask", None)) if kind is not None})
    locks = sys.modules.get("asyncio.locks")
    queues = sys.modules.get("asyncio.queues")
    groups = sys.modules.get("asyncio.taskgroups")
    base = sys.modules.get("asyncio.base_events")
    _learn(tasks.sleep, wire.WAIT_SLEEP)
    _learn(tasks.wait, wire.WAIT_WAIT_SET)
    _learn(getattr(tasks, "_wait", None), wire.WAIT_WAIT_SET)
    _learn(getattr(tasks, "_cancel_and_wait", None), wire.WAIT_TASK)
    _learn(tasks.wait_for, wire.WAIT_TASK)
    # Before 3.13 as_completed is a generator of coroutines of its own.
    for code in getattr(getattr(tasks.as_completed, "__code__", None), "co_consts", ()):
        if getattr(code, "co_name", "") == "_wait_for_one":
            _functions[(code.co_filename, code.co_firstlineno)] = wire.WAIT_WAIT_SET
    iterator = getattr(tasks, "_AsCompletedIterator", None)
    for owner in (iterator,) if iterator is not None else ():
        for name in ("_wait_for_one", "__anext__"):
            _learn(vars(owner).get(name), wire.WAIT_WAIT_SET)
    if locks is not None:
        _learn(locks.Lock.acquire, wire.WAIT_LOCK)
        _learn(locks.Semaphore.acquire, wire.WAIT_SEMAPHORE)
        _learn(locks.Condition.wait, wire.WAIT_CONDITION)
        _learn(locks.Event.wait, wire.WAIT_EVENT)
        barrier = getattr(locks, "Barrier", None)
        if barrier is not None:
            for name in ("wait", "_block", "_wait"):
                _learn(vars(barrier).get(name), wire.WAIT_BARRIER)
    if queues is not None:
        _learn(queues.Queue.get, wire.WAIT_QUEUE_GET)
        _learn(queues.Queue.put, wire.WAIT_QUEUE_PUT)
        _learn(queues.Queue.join, wire.WAIT_QUEUE_JOIN)
    if groups is not None:
        _learn(groups.TaskGroup.__aexit__, wire.WAIT_GROUP)
        _learn(getattr(groups.TaskGroup, "_aexit", None), wire.WAIT_GROUP)
    if base is not None:
        _learn(base.BaseEventLoop.run_in_executor, wire.WAIT_EXECUTOR)
        _learn(base.BaseEventLoop.getaddrinfo, wire.WAIT_EXECUTOR)
    folder = os.path.dirname(asyncio.__file__)
    for name in (
        "streams",
        "selector_events",
        "proactor_events",
        "subprocess",
        "base_subprocess",
        "sslproto",
        "unix_events",
    ):
        _files[os.path.join(folder, name + ".py")] = wire.WAIT_IO
    try:
        from . import _ah_locks as _locks
    except ImportError:
        _locks = None


def learn_anyio(backend):
    """anyio's own waits on the asyncio backend."""
    group = backend.TaskGroup
    _learn(group.__aexit__, wire.WAIT_GROUP)
    # Of the module in anyio 3, of the backend's class since.
    for owner in (backend, getattr(backend, "AsyncIOBackend", None)):
        _learn(getattr(owner, "run_sync_in_worker_thread", None), wire.WAIT_EXECUTOR)


def _learn(function, kind):
    code = getattr(getattr(function, "__wrapped__", function), "__code__", None)
    if code is not None:
        _functions[(code.co_filename, code.co_firstlineno)] = kind


def codes_of(coroutine):
    """Code objects of the chain, innermost first, without touching a frame; and what the innermost awaits."""
    codes = []
    depth = 0
    awaited = coroutine
    while awaited is not None and depth < 64:
        code = (
            getattr(awaited, "cr_code", None) or getattr(awaited, "gi_code", None) or getattr(awaited, "ag_code", None)
        )
        if code is not None:
            codes.append(code)
        awaited = next_awaited(awaited)
        depth += 1
    codes.reverse()
    return codes


def classify(task, address, waiter, codes, open_group):
    """(WAIT_* kind, awaited address) of a task that waits on the future `waiter`.

    `open_group()` gives the address of the task's innermost open task group, 0 for none.
    """
    if _locks is not None:
        lock = _locks.waiting_for(address)
        if lock:
            kind = _kind_of_lock(lock, codes)
            if kind:
                return kind, lock
    kind = 0
    for code in codes[:4]:
        found = _functions.get((code.co_filename, code.co_firstlineno))
        if found is None:
            found = _files.get(code.co_filename)
        if found is not None:
            kind = found
            # An event inside a queue's join, a future inside a read, the queue of as_completed: the outer one says more.
            if kind not in (wire.WAIT_EVENT, wire.WAIT_TASK, wire.WAIT_QUEUE_GET):
                break
        elif kind:
            break
    if kind == wire.WAIT_GROUP:
        return kind, open_group() or id(waiter)
    if _gathering is not None and isinstance(waiter, _gathering):
        return wire.WAIT_GATHER, id(waiter)
    if isinstance(waiter, _task_types):
        return wire.WAIT_TASK, id(waiter)
    if kind:
        return kind, id(waiter)
    for name, values in callbacks_of(waiter):
        if name.startswith("shield.") or "_outer_done_callback" in name:
            inner = [value for value in values if isinstance(value, _task_types)]
            return wire.WAIT_SHIELD, id(inner[0]) if inner else id(waiter)
        if name.startswith("chain_future."):
            return wire.WAIT_EXECUTOR, id(waiter)
    if hasattr(waiter, "get_coro"):
        return wire.WAIT_TASK, id(waiter)
    return wire.WAIT_FUTURE, id(waiter)


def _kind_of_lock(lock, codes):
    tracked = _locks.tracked.get(lock)
    number = None if tracked is None else tracked.family.kind
    if number in _LOCK_KINDS:
        return _LOCK_KINDS[number]
    if number in (wire.LOCK_QUEUE, wire.LOCK_MEMORY_CHANNEL):
        names = {code.co_name for code in codes[:3]}
        if names & {"put", "send"}:
            return wire.WAIT_QUEUE_PUT
        return wire.WAIT_QUEUE_JOIN if "join" in names else wire.WAIT_QUEUE_GET
    return 0


def callbacks_of(future):
    """[(qualified name of a callback, the objects it refers to)], of asyncio's own callbacks on a future."""
    found = []
    try:
        entries = future._callbacks or ()
    except AttributeError:
        return found
    for entry in entries:
        callback = entry[0] if isinstance(entry, tuple) else entry
        function = getattr(callback, "func", callback)  # functools.partial(_release_waiter, waiter)
        values = list(getattr(callback, "args", ()) or ())
        owner = getattr(callback, "__self__", None)
        if owner is not None and not isinstance(owner, type(sys)):
            values.append(owner)
        for cell in getattr(function, "__closure__", None) or ():
            try:
                values.append(cell.cell_contents)
            except ValueError:
                continue
        # `_gather` on 3.9, `_release_waiter`, `_wait`: without the underscore they are the same on all versions.
        found.append((getattr(function, "__qualname__", "").lstrip("_"), values))
    return found


def awaiter_of(task, address, waiting_on):
    """(address of the task that awaits `task`, VIA_*), (0, 0) when nobody does.

    `waiting_on`: address of a future -> address of the task that waits on it.
    """
    direct = waiting_on.get(address)
    if direct is not None:
        return direct, wire.VIA_AWAIT
    for name, values in callbacks_of(task):
        if name.startswith("gather."):
            outer = [value for value in values if _gathering is not None and isinstance(value, _gathering)]
            found = _through(outer, waiting_on)
            if found:
                return found, wire.VIA_GATHER
        elif name.startswith("shield."):
            found = _through(
                [value for value in values if hasattr(value, "_callbacks") and value is not task], waiting_on
            )
            if found:
                return found, wire.VIA_SHIELD
        elif "release_waiter" in name:
            found = _through(values, waiting_on)
            if found:
                return found, wire.VIA_WAIT_FOR
        elif "on_completion" in name or "handle_completion" in name:  # of `wait`, of `as_completed`
            found = _through(values, waiting_on) or _through(_getters(values), waiting_on)
            if found:
                return found, wire.VIA_WAIT_SET
        elif name.startswith("TaskGroup."):
            for value in values:
                parent = getattr(value, "_parent_task", None)
                if parent is None:
                    parent = getattr(getattr(value, "cancel_scope", None), "_host_task", None)
                if parent is not None:
                    return id(parent), wire.VIA_TASK_GROUP
    awaited_by = getattr(task, "_asyncio_awaited_by", None)  # 3.14
    if awaited_by:
        for other in awaited_by:
            if hasattr(other, "get_coro"):  # not on the task itself, so on several
                return id(other), wire.VIA_WAIT_SET
            found = _through([other], waiting_on)
            if found:
                return found, wire.VIA_GATHER
    return 0, wire.VIA_NONE


def _getters(values):
    """Futures of those who wait for the queue behind an `as_completed`; it is in a closure, since 3.13 in an iterator."""
    for value in values:
        queue = value if hasattr(value, "_getters") else getattr(value, "_done", None)
        if hasattr(queue, "_getters"):
            return list(queue._getters)
    return []


def _through(futures, waiting_on):
    """The task that waits on one of `futures`, directly or through a gather or shield around it."""
    for depth in range(4):
        following = []
        for future in futures:
            found = waiting_on.get(id(future))
            if found is not None:
                return found
            if depth < 3 and hasattr(future, "_callbacks") and not callable(getattr(future, "get_coro", None)):
                for name, values in callbacks_of(future):
                    if name.startswith(("gather.", "shield.")) or "_on_completion" in name or "release_waiter" in name:
                        following.extend(
                            value for value in values if value is not future and hasattr(value, "_callbacks")
                        )
        if not following:
            return 0
        futures = following
    return 0


def top_frame(coroutine):
    """The outermost frame of a coroutine-like, or None."""
    return frame_of(coroutine)
