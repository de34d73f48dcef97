"""Looks at the announced locks each tick, on the probe's thread, and restates them in a sync."""

from . import _ah_core as core
from . import _ah_locks as locks
from . import _ah_locks_places as places
from . import _ah_wire as w
from ._ah_pace import paced

#: Idle queues, channels and semaphores looked at per tick.
PER_TICK = 400

_turn = [0]


def settle():
    """Put the waits of `fresh` where all others are. Whoever takes one out of `fresh`, this or its end, has to do with it."""
    for task in list(locks.fresh):
        wait = locks.fresh.pop(task, None)
        if wait is None:
            continue
        info = wait[4]
        info.waiters[task] = wait
        locks.waiting[task] = wait[5]
        if info.idle:
            locks.activate(info)
        if wait[6] is None:  # it ended before it was there
            locks.forget_wait(info, task, wait)


def _sample(info):
    lock = info.ref()
    if lock is None:
        return False
    family = info.family
    if info.waits != info.told_waits:
        info.told_waits = info.waits
        core.emit(w.OP_LOCK_WAITS, info.key, info.waits, info.longest, info.failed)
    found = family.state(lock)
    if found != info.last:
        info.last = found
        core.emit(w.OP_LOCK_STATE, info.key, found[0], found[1], found[2])
    if family.single:
        if info.waiters:
            locks.show_holder(info, found[0])
        elif info.holder and found[0] != info.holder:
            locks.show_holder(info, 0)
    elif info.holders or (info.waiters and family.holders is not None):
        held = family.holders(lock) if family.holders is not None else locks.permits.get(info.key, ())
        locks.show_permits(info, held)
    return bool(info.waiters or info.holder) or not family.single


def _tick():
    settle()
    active = locks.active
    keys = list(active)
    if len(keys) > PER_TICK:
        start = _turn[0] % len(keys)
        _turn[0] = start + PER_TICK
        keys = (keys + keys)[start : start + PER_TICK]
    for key in keys:
        info = active.get(key)
        if info is not None and not _sample(info):
            info.idle = True
            active.pop(key, None)
            if info.waiters:  # a wait began just now
                locks.activate(info)
    places.tick()
    for table in (locks.owners, locks.permit_places):
        if len(table) > locks.MAX_CREATED:  # of locks that are gone, or were never contended
            table.clear()


def _sync():
    settle()
    for info in list(locks.tracked.values()):
        lock = info.ref()
        if lock is None:
            continue
        core.emit(w.OP_LOCK_NEW, info.key, 0, info.family.kind, info.stack)
        core.emit(w.OP_LOCK_META, info.key, info.family.capacity(lock), locks.fresh_name(info, lock), info.loop)
        if info.holder:
            core.emit(w.OP_LOCK_HOLD, info.key, info.holder)
            info.tries = 0
        info.placing.clear()
        info.told_waits = 0
        for task, count in list(info.holders.items()):
            for _ in range(count):
                core.emit(w.OP_LOCK_HOLD, info.key, task)
        found = info.last = info.family.state(lock)
        lock = None  # not kept while the walk rests
        for task in paced(list(info.waiters)):
            wait = info.waiters.get(task)
            if wait is not None and not wait[2]:  # else it is told at the next tick
                core.emit(w.OP_LOCK_WAIT, info.key, task, wait[0], wait[1])
        core.emit(w.OP_LOCK_STATE, info.key, found[0], found[1], found[2])


def _forget():
    """In a forked child, or for a new listener: stacks told earlier mean nothing any more."""
    for info in list(locks.tracked.values()):
        info.stack = 0
        info.tries = 0
        for wait in list(info.waiters.values()):
            wait[1] = 0


def install():
    """Look from now on."""
    core.on_tick(_tick)
    core.on_sync(_sync)
    core.on_start(_forget)
