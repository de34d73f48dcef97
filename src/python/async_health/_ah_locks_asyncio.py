"""asyncio's Lock, Semaphore, BoundedSemaphore, Condition, Event, Barrier and queues, CPython 3.8 and later.

The waits are seen where these classes do `await fut`; `_ah_locks_owner` has what is special of a Lock.
"""

import ast
import os
import sys

from . import _ah_core as core
from . import _ah_locks as locks
from . import _ah_locks_births as births
from . import _ah_splice as splice
from . import _ah_wire as w
from ._ah_locks_owner import install_lock, state_of
from ._ah_locks_owner import install_loop as install_owner
from ._ah_locks_owner import running_task as _task

HOOK = "asyncio.locks"
QUEUES = "asyncio.queues"

AH = locks.Hooks()


def _op(op, inner=None):
    """A pick for `splice.wrap_awaits`: bare names (futures), or calls through the attribute path `inner`."""
    number = str(int(op))

    def pick(value):
        if inner is None:
            return ", " + number if isinstance(value, ast.Name) else None
        if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr in inner:
            return ", %s, self.%s" % (number, inner[value.func.attr])
        return None

    return pick


def _wait(lock, op, inner=None):
    _wait_from(lock, op, sys._getframe(1), inner)


def _wait_from(lock, op, frame, inner=None):
    try:
        if _loop_checks and lock._loop is not None:
            check_loop(lock, frame)
        if op == w.LOCK_OP_GET and _of_as_completed(frame.f_back):
            return
        if inner is not None:
            locks.hide(inner)
        locks.begin_wait(lock, op, frame, _task())
    except Exception as error:
        core.fail(HOOK, error)


def _woke(lock, ok, op, inner=None):
    try:
        if inner is not None:
            locks.unhide(inner)
        locks.end_wait(lock, ok, op, _task())
    except Exception as error:
        core.fail(HOOK, error)


def _queue_born(queue):
    try:
        frame = sys._getframe(1)
        if not _of_as_completed(frame.f_back):
            births.born_at(queue, frame)
    except Exception as error:
        core.fail(QUEUES, error)


def _of_as_completed(frame):
    """Is it asyncio's own use of a queue, in `as_completed`? That is a wait for a set of tasks."""
    return frame is not None and frame.f_code.co_filename == _tasks_file


#: Of `asyncio.tasks`, as its code names it.
_tasks_file = ""


def _take(lock):
    try:
        locks.take(lock, _task(), sys._getframe(2))
    except Exception as error:
        core.fail(HOOK, error)


def _give(lock):
    try:
        locks.give(lock, _task())
    except Exception as error:
        core.fail(HOOK, error)


AH.wait, AH.woke, AH.born, AH.take, AH.give, AH.queue_born = (
    _wait,
    _woke,
    births.hook_for(HOOK),
    _take,
    _give,
    _queue_born,
)


# --- wrong loop, before 3.10 (later versions check by themselves, see `_ah_exceptions`) ------------------------------

_loop_checks = sys.version_info < (3, 10)


def check_loop(lock, frame):
    """Before 3.10 a primitive keeps the loop it was made in, and says nothing when another one waits."""
    running = sys.modules["asyncio.events"]._get_running_loop()
    if running is not None and lock._loop is not running:
        wrong_loop(lock, running, lock._loop, frame)


def wrong_loop(lock, running, expected, frame):
    """Note that a primitive of one loop is used from another."""
    family = locks.family_of(lock)
    from . import _ah_exceptions

    _ah_exceptions.note_wrong_loop(
        lock,
        "%s.%s" % (family.label if family else "asyncio", type(lock).__name__),
        running,
        expected,
        locks.outside(frame),
    )


# --- how to read them ---------------------------------------------------------------------------------------------


def _semaphore_state(lock):
    return (0, lock._value, 0)


def _event_state(event):
    return (0, 1 if event._value else 0, 0)


def _condition_state(condition):
    inner = condition._lock
    return (0, len(condition._waiters), 0) if inner is None else (0, 0 if inner.locked() else 1, 0)


def _queue_state(queue):
    return (0, queue.qsize(), getattr(queue, "_unfinished_tasks", 0))


def _barrier_state(barrier):
    return (0, barrier._count, 0)


def _none(_lock):
    return -1


def _semaphore_capacity(lock):
    bound = getattr(lock, "_bound_value", None)
    if bound is not None:
        return bound
    info = locks.tracked.get(id(lock))
    if info is None or info.last is None:
        return lock._value if not lock._waiters else -1
    return -1


_dir = os.path.dirname(os.__file__) + os.sep + "asyncio" + os.sep


def install_locks(module):
    """Hooks of `asyncio.locks`."""
    global _dir
    _dir = os.path.dirname(module.Lock.acquire.__code__.co_filename) + os.sep
    locks.add_directory(_dir)
    known = locks.families
    known[module.Lock] = locks.Family(w.LOCK_LOCK, "asyncio", lambda _: 1, state_of, True, placed=True)
    known[module.Semaphore] = locks.Family(
        w.LOCK_SEMAPHORE, "asyncio", _semaphore_capacity, _semaphore_state, placed=True
    )
    known[module.BoundedSemaphore] = locks.Family(
        w.LOCK_BOUNDED_SEMAPHORE, "asyncio", _semaphore_capacity, _semaphore_state, placed=True
    )
    known[module.Event] = locks.Family(w.LOCK_EVENT, "asyncio", _none, _event_state)
    known[module.Condition] = locks.Family(w.LOCK_CONDITION, "asyncio", _none, _condition_state)

    def waits(op, when):
        return splice.wrap_awaits(_op(op), AH, whole=(when, ", %d" % op))

    install_lock(module.Lock, _op(w.LOCK_OP_ACQUIRE))
    splice.apply(HOOK, module.Event.wait, waits(w.LOCK_OP_WAIT, "not self._value"))
    splice.apply(HOOK, module.Condition.wait, waits(w.LOCK_OP_WAIT, "True"))
    splice.apply(HOOK, module.Semaphore.acquire, waits(w.LOCK_OP_ACQUIRE, "self.locked()"))
    for cls in (module.Lock, module.Event, module.Condition, module.Semaphore):
        splice.apply(HOOK, cls.__init__, splice.append("AH.born(self)", AH))
    barrier = getattr(module, "Barrier", None)
    if barrier is not None:
        known[barrier] = locks.Family(w.LOCK_BARRIER, "asyncio", lambda b: b._parties, _barrier_state)
        pick = _op(w.LOCK_OP_WAIT, {"_wait": "_cond"})
        whole = ("True", ", %d, self._cond" % w.LOCK_OP_WAIT)
        splice.apply(HOOK, barrier.wait, splice.wrap_awaits(pick, AH, whole=whole))
        splice.apply(HOOK, barrier.__init__, splice.append("AH.born(self)", AH))


def _queue_waits(op, when, inner=None):
    pick = _op(op, {"wait": inner} if inner else None)
    return splice.wrap_awaits(pick, AH, whole=(when, ", %d%s" % (op, ", self." + inner if inner else "")))


def install_queues(module):
    """Hooks of `asyncio.queues`; PriorityQueue and LifoQueue inherit them."""
    queue = module.Queue
    locks.families[queue] = locks.Family(w.LOCK_QUEUE, "asyncio", lambda q: q._maxsize or -1, _queue_state)
    splice.apply(QUEUES, queue.get, _queue_waits(w.LOCK_OP_GET, "self.empty()"))
    splice.apply(QUEUES, queue.put, _queue_waits(w.LOCK_OP_PUT, "self.full()"))
    splice.apply(QUEUES, queue.join, _queue_waits(w.LOCK_OP_JOIN, "self._unfinished_tasks > 0", "_finished"))
    splice.apply(QUEUES, queue.__init__, splice.append("AH.queue_born(self)", AH))


def install_loop(module):
    """What needs all of asyncio: who holds locks and semaphores."""
    global _tasks_file
    _tasks_file = module.tasks.wait.__code__.co_filename
    install_owner(module, AH)
