"""Looks at the live tasks from the probe's thread, a slice at a time: what each waits for, where, and who awaits it.

Each slice holds the GIL for less than half a millisecond. A task whose future and chain are as they were costs about
a microsecond; only changes are sent. One pass over all tasks may span several ticks when there are very many.
"""

import sys
import time

from . import _ah_core as core
from . import _ah_sample_waits as waits
from . import _ah_tasks as tasks
from . import _ah_tasks_cancel as cancels
from . import _ah_wire as wire
from ._ah_intern import chain_id, string_id
from ._ah_pace import REST_S, SLICE_NS, clock, paced

_now = core.now
#: Share of the time that a pass may use of one core, by level.
_SHARES = (0.02, 0.04, 0.08)
#: A task that waits unchanged is looked at closely again this often: its chain may move with the future's address reused.
_CLOSE_LOOK_NS = 1_000_000_000
#: Above this many tasks the close looks are left out: they make frame objects (about 0.5 KB a frame).
_MANY = 20_000


class Seen:
    """What was last told of a task."""

    __slots__ = ("waiter", "kind", "awaited", "stack", "awaiter", "via", "looked", "name", "settled")

    def __init__(self):
        self.waiter = -1
        self.kind = -1
        self.awaited = 0
        self.stack = 0
        self.awaiter = 0
        self.via = 0
        self.looked = 0
        self.name = None
        #: Was it found unchanged once? Only then a pass may skip it: who awaits it may have begun to meanwhile.
        self.settled = False


_seen = {}
_pass = None


def install(_options):
    """Learn the libraries' waits, look each tick."""
    core.on_import("asyncio", waits.learn_asyncio)
    core.on_import("anyio._backends._asyncio", waits.learn_anyio)
    core.on_tick(_tick)
    core.on_sync(_restate)
    core.on_start(_forget)


def _forget():
    global _pass
    _seen.clear()
    _pass = None


def _restate():
    """In a sync: say again all that is known; the next pass corrects it."""
    for address in paced(list(_seen)):
        seen = _seen.get(address)
        if seen is not None and address in tasks.live:
            _tell_wait(address, seen)
            if seen.via:
                core.emit(wire.OP_TASK_AWAITED_BY, address, seen.awaiter, seen.via)
            if seen.name:
                core.emit(wire.OP_TASK_NAME, address, 0, string_id(seen.name))


def _tell_wait(address, seen):
    if seen.kind >= 0:
        core.emit(wire.OP_TASK_WAIT, address, seen.awaited, seen.kind, seen.stack)


def _tick():
    """Go on with the present pass, or begin a new one, for this tick's share of time."""
    global _pass
    if not tasks.live:
        if _seen:
            _seen.clear()
        return
    budget = int(core.state.tick_s * 1e9 * _SHARES[core.state.level])
    used = 0
    while used < budget:
        if _pass is None:
            _pass = _one_pass()
        before = clock()
        done = False
        try:
            next(_pass)
        except StopIteration:
            done = True
        used += clock() - before
        if done:
            _pass = None
            return
        time.sleep(REST_S)


def _one_pass():
    """Generator: looks at all live tasks, yields when a slice is used up."""
    slice_end = clock() + SLICE_NS
    references = []
    for registry in tasks.registries:
        references.extend(list(registry.data))
    own = list(tasks.own_refs.values())
    if own:
        references.extend(own)
    waiting_on = {}
    # First who waits on what: relations need it of all tasks. About 0.15 us a task.
    at = 0
    total = len(references)
    while at < total:
        for reference in references[at : at + 500]:
            task = reference()
            if task is not None:
                waiter = getattr(task, "_fut_waiter", None)
                if waiter is not None:
                    waiting_on[id(waiter)] = id(task)
        task = waiter = None
        at += 500
        if clock() > slice_end:
            yield
            slice_end = clock() + SLICE_NS
    running = _running()
    many = total > _MANY
    at = 0
    while at < total:
        for reference in references[at : at + 20]:
            task = reference()
            if task is not None:
                address = id(task)
                if address in tasks.live:
                    _look(task, address, waiting_on, running, many)
        task = None
        at += 20
        if clock() > slice_end:
            yield
            slice_end = clock() + SLICE_NS
            running = _running()
    if len(_seen) > len(tasks.live):
        for address in paced(list(_seen)):
            if address not in tasks.live:
                _seen.pop(address, None)


def _running():
    """Addresses of the tasks that run right now, in any loop."""
    module = sys.modules.get("asyncio.tasks")
    current = getattr(module, "_current_tasks", None)
    found = {}
    if isinstance(current, dict) and sys.version_info < (3, 14):
        for task in list(current.values()):
            if task is not None:
                found[id(task)] = True
    else:
        from . import _ah_loop

        for loop in _ah_loop.loops():
            try:
                task = module.current_task(loop)
            except Exception:
                continue
            if task is not None:
                found[id(task)] = True
    return found


def _look(task, address, waiting_on, running, many):
    seen = _seen.get(address)
    row = tasks.live.get(address)
    if seen is not None and row is not None and seen.looked < row[1]:
        seen = None  # another task at the address of a former one
    if seen is None:
        seen = _seen[address] = Seen()
        _name(task, address, seen)
    waiter = getattr(task, "_fut_waiter", None)
    key = id(waiter) if waiter is not None else (1 if address in running else 0)
    if waiter is not None and waiter.done():
        key = -2  # its turn is scheduled
    moment = _now()
    if address in cancels.pending:
        _delivery(task, address, waiter)
    if key == seen.waiter:
        if seen.settled and (many or moment - seen.looked < _CLOSE_LOOK_NS):
            return
        seen.settled = True
    else:
        seen.settled = False
    seen.waiter = key
    seen.looked = moment
    coroutine = tasks.coroutine_of(task)
    if address in running:
        kind, awaited, stack = wire.WAIT_RUNNING, 0, chain_id(coroutine)
    elif waiter is None or key == -2:
        kind, awaited, stack = wire.WAIT_READY, 0, chain_id(coroutine)
    else:
        codes = waits.codes_of(coroutine)
        kind, awaited = waits.classify(task, address, waiter, codes, lambda: _open_group(address))
        stack = chain_id(coroutine)
    if (kind, awaited, stack) != (seen.kind, seen.awaited, seen.stack):
        seen.kind, seen.awaited, seen.stack = kind, awaited, stack
        _tell_wait(address, seen)
    awaiter, via = waits.awaiter_of(task, address, waiting_on)
    if (awaiter, via) != (seen.awaiter, seen.via):
        seen.awaiter, seen.via = awaiter, via
        core.emit(wire.OP_TASK_AWAITED_BY, address, awaiter, via)
    if seen.settled:
        _name(task, address, seen)


def _name(task, address, seen):
    try:
        name = str(task.get_name())
    except Exception:
        return
    if name != seen.name:
        seen.name = name
        core.emit(wire.OP_TASK_NAME, address, 0, string_id(name))


def _open_group(address):
    """Address of the innermost open task group that the task entered, 0 for none."""
    from . import _ah_scopes

    for scope in _ah_scopes.scopes_of(address):
        if _ah_scopes.kind_of(scope) in (wire.SCOPE_ASYNCIO_TASK_GROUP, wire.SCOPE_ANYIO_TASK_GROUP):
            return scope
    return 0


def _delivery(task, address, waiter):
    """A cancelled task: has CancelledError been thrown into it? It has once it waits on something else."""
    before = cancels.pending.get(address)
    if before is None or getattr(task, "_must_cancel", False):
        return
    if before and waiter is not None and id(waiter) == before:
        return
    if waiter is None and address not in _running() and before:
        return  # not yet stepped
    cancels.pending.pop(address, None)
    core.emit(wire.OP_TASK_CANCEL_DELIVERED, address)
