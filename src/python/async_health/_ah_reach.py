"""Can anything still wake a task that waits long? Looks who refers to the event, queue or condition that it waits for.

An object that only the waiting tasks' own frames refer to will never be set: whoever was to do it has let go of it. That is
decided by counting: the object's reference count against the references from the coroutine chains of its waiters (and from
the cells, functions and methods that those hold alone). Nothing is walked but these chains; no object is kept; about 50 us a
task, on the probe's thread, for tasks that have waited unchanged for seconds only. When in doubt the answer is "reachable".

`await asyncio.Event().wait()`, the idiom for "run for ever", is left alone: it keeps the object in no variable.
"""

import gc
import sys
import time
import types

from . import _ah_awaiters as awaiters
from . import _ah_core as core
from . import _ah_locks as locks
from . import _ah_tasks as tasks
from . import _ah_wire as wire
from ._ah_intern import next_awaited
from ._ah_pace import REST_S, paced

_now = core.now
#: Waits looked into per tick, at most.
_PER_TICK = 10
_KINDS = frozenset((wire.LOCK_EVENT, wire.LOCK_CONDITION, wire.LOCK_QUEUE, wire.LOCK_BARRIER))
_OPS = frozenset((wire.LOCK_OP_WAIT, wire.LOCK_OP_GET, wire.LOCK_OP_PUT))
#: What a chain may hold its target through.
_BETWEEN = (types.CellType, types.FunctionType, types.MethodType, tuple) if hasattr(types, "CellType") else (tuple,)
#: The same, of the libraries: an anyio primitive around asyncio's, trio's request to be put to sleep. (module, class)
_WRAPPERS = {("anyio", "Event"), ("anyio", "Condition"), ("trio", "WaitTaskRescheduled")}
_FRAME = types.FrameType
_MAX_BETWEEN = 100
_MAX_WAITERS = 50

#: task address -> [the wait's own mark (its tuple in Tracked.waiters), ns since when, looks that said "unreachable", told]
_watched = {}
_next = 0
_settings = {"age": 5_000_000_000, "interval": 1_000_000_000}


def install(options):
    """Look from time to time, the sooner the lower `thresholds.stuckTaskMs` is."""
    if not hasattr(sys, "getrefcount") or getattr(sys, "_is_gil_enabled", lambda: True)() is False:
        from . import _ah_boot

        # Reference counts mean something else there.
        text = "this interpreter runs without the GIL: a task that nothing can wake (stuck-task) is not recognised"
        _ah_boot.later(lambda: core.note({"kind": "message", "level": "info", "text": text}))
        return
    limit = core.threshold_ms(options, "stuckTaskMs", 30_000) * 1e6
    _settings["age"] = int(min(5e9, limit * 0.4))
    _settings["interval"] = int(max(1e8, min(1e9, limit / 6)))
    core.on_tick(_tick)
    core.on_sync(_restate)
    core.on_start(_watched.clear)


def _restate():
    for address in paced(list(_watched)):
        entry = _watched.get(address)
        if entry is not None and entry[3]:
            core.emit(wire.OP_TASK_UNREACHABLE, address, locks.waiting.get(address, 0), 1)


def _tick():
    global _next
    moment = _now()
    if moment < _next or not (locks.waiting or _watched):
        return
    _next = moment + _settings["interval"]
    due = []
    for address in paced(list(_watched)):
        if address not in locks.waiting:
            del _watched[address]
    for address in paced(list(locks.waiting)):
        key = locks.waiting.get(address)
        info = locks.tracked.get(key)
        mark = info.waiters.get(address) if info is not None else None
        if mark is None or info.family.kind not in _KINDS or mark[0] not in _OPS:
            _watched.pop(address, None)
            continue
        entry = _watched.get(address)
        if entry is None or entry[0] is not mark:
            _watched[address] = [mark, moment, 0, False]
        elif not entry[3] and moment - entry[1] >= _settings["age"]:
            due.append((entry[1], address, key))
    if not due:
        return
    due.sort()
    del due[_PER_TICK:]
    wanted = set()
    for _since, _address, key in due:
        info = locks.tracked.get(key)
        if info is not None and len(info.waiters) <= _MAX_WAITERS:
            wanted.update(list(info.waiters))
    found = _tasks_at(wanted)
    for _since, address, key in due:
        _consider(address, key, moment, found)
    found.clear()


def _tasks_at(wanted):
    """The live tasks at these addresses, by address. A slice of all tasks at a time, as the sampler does it."""
    found = {}
    for registry in tasks.registries:
        references = list(registry.data)
        for start in range(0, len(references), 500):
            for reference in references[start : start + 500]:
                task = reference()
                if task is not None and id(task) in wanted:
                    found[id(task)] = task
            task = None
            if len(references) > 500:
                time.sleep(REST_S)
    if len(found) < len(wanted):
        for task, _runner in awaiters.trio_tasks():
            if id(task) in wanted:
                found[id(task)] = task
        if len(found) < len(wanted):
            for reference in list(tasks.own_refs.values()):
                task = reference()
                if task is not None and id(task) in wanted:
                    found[id(task)] = task
    return found


def _consider(address, key, moment, found):
    entry = _watched.get(address)
    info = locks.tracked.get(key)
    if entry is None or info is None:
        return
    if not _unreachable(info, found):
        entry[2] = 0
        entry[1] = moment  # again after a while
        return
    entry[2] += 1
    if entry[2] >= 2:  # a look may fall between two steps of the program: it takes two that agree
        entry[3] = True
        core.emit(wire.OP_TASK_UNREACHABLE, address, key, 1)


def _unreachable(info, found):
    """True when nothing but the waiting tasks refers to the lock of `info`."""
    waiters = list(info.waiters)
    if not waiters or len(waiters) > _MAX_WAITERS:
        return False
    roots = []
    for address in waiters:
        task = found.get(address)
        if task is None:
            return False
        roots.append(task)
        link = awaiters.coroutine_of(task)
        depth = 0
        while link is not None and depth < 100:
            roots.append(link)
            link = next_awaited(link)
            depth += 1
        link = task = None
    return _held_only_by(info.ref, roots)


def _held_only_by(ref, roots):
    """Are `roots`, and what they alone hold, all that refers to the object of the weak reference? The program's own code among them."""
    target = ref()
    if target is None:
        return False
    if sys.version_info < (3, 11):
        # Locals hang on frame objects there.
        roots = roots + [frame for frame in map(_frame_of, roots) if frame is not None]
    # What is counted, the target first; its references from roots, from the others by index, and the holders among the roots.
    inside = [target]
    target = None
    index = {id(inside[0]): 0}
    from_roots = [0]
    holders = 0
    for root in roots:
        holds = False
        for referent in gc.get_referents(root):
            at = _index_of(referent, inside, index, from_roots)
            if at is not None:
                from_roots[at] += 1
                holds = holds or at == 0 or _leads_to(referent, inside[0])
        holders += holds and _is_users(root)
    root = referent = None
    edges = {}
    at = 1
    while at < len(inside):
        wrapper = _is_wrapper(inside[at])
        for referent in gc.get_referents(inside[at]):
            if wrapper and type(referent) is dict and id(referent) not in index and len(inside) < _MAX_BETWEEN:
                # Its attributes, where Python keeps them in a dictionary of their own.
                index[id(referent)] = len(inside)
                inside.append(referent)
                from_roots.append(0)
            to = _index_of(referent, inside, index, from_roots)
            if to is not None:
                edges.setdefault(at, []).append(to)
        at += 1
    referent = None
    if not holders:
        return False
    alive = set()
    while True:
        known = list(from_roots)
        for source, targets in edges.items():
            if source not in alive:
                for to in targets:
                    known[to] += 1
        # The list `inside` and the argument itself are one reference each.
        found = {at for at in range(len(inside)) if sys.getrefcount(inside[at]) - 2 > known[at]}
        if 0 in found:
            return False
        if found <= alive:
            return True
        alive |= found


def _index_of(thing, inside, index, from_roots):
    at = index.get(id(thing))
    if at is None and len(inside) < _MAX_BETWEEN and (type(thing) in _BETWEEN or _is_wrapper(thing)):
        at = index[id(thing)] = len(inside)
        inside.append(thing)
        from_roots.append(0)
    return at


def _is_wrapper(thing):
    kind = type(thing)
    return (getattr(kind, "__module__", "").partition(".")[0], kind.__name__) in _WRAPPERS


def _leads_to(thing, target):
    """A cell, method or wrapper that holds the target counts as holding it."""
    if type(thing) in _BETWEEN or _is_wrapper(thing):
        for referent in gc.get_referents(thing):
            if referent is target:
                return True
            if type(referent) is dict and any(value is target for value in list(referent.values())):
                return True
    return False


def _is_users(link):
    """Is this link of a chain the program's own code, not a library's method that waits?"""
    code = getattr(link, "cr_code", None) or getattr(link, "gi_code", None) or getattr(link, "ag_code", None)
    code = code or getattr(link, "f_code", None)
    return code is not None and not code.co_filename.startswith(locks.directories) and code.co_filename[:1] != "<"


def _frame_of(thing):
    for name in ("cr_frame", "gi_frame", "ag_frame"):
        frame = getattr(thing, name, None)
        if isinstance(frame, _FRAME):
            return frame
    return None
