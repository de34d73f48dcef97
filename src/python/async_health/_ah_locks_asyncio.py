"""asyncio's Lock, Semaphore, BoundedSemaphore, Condition, Event, Barrier and queues, CPython 3.8 and later.

The waits are seen where these classes do `await fut`; the holder of a Lock is noted where `acquire` returns.
"""

import ast
import os
import sys
import weakref

from . import _ah_core as core
from . import _ah_locks as locks
from . import _ah_splice as splice
from . import _ah_wire as w
from ._ah_intern import stack_id

extend = core.extend
now = core.now
_state = core.state
_tracked = locks.tracked
_owners = locks.owners
_waiting = locks.waiting
_active = locks.active
_DEPTHS = locks.DEPTHS

HOOK = "asyncio.locks"
QUEUES = "asyncio.queues"

AH = locks.Hooks()
AH.owners = locks.owners
AH.loop = None  # the one loop that runs, while there is exactly one; before 3.12 only
AH.tasks = {}


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


# The functions below run in the program for each contended operation, so they do without the decorator `core.hook`.

if sys.version_info >= (3, 12):

    def _task():
        """Address of the running task, 0 for none."""
        try:
            task = AH.current()
        except RuntimeError:  # no asyncio loop runs here
            return core.current_task_id()
        return id(task) if task is not None else 0

else:

    def _task():
        """Address of the running task, 0 for none."""
        try:
            return id(AH.tasks[AH.loop])
        except KeyError:
            return core.current_task_id()


def _wait(lock, op, inner=None):
    _wait_from(lock, op, sys._getframe(1), inner)


def _wait_from(lock, op, frame, inner=None):
    try:
        if _loop_checks and lock._loop is not None:
            _check_loop(lock, frame)
        if inner is not None:
            locks.hide(inner)
        locks.begin_wait(lock, op, frame, _task())
    except Exception as error:
        core.fail(HOOK, error)


def _lock_wait(lock, op):
    """`_wait` for a Lock, all in one: a contended lock is to cost little."""
    try:
        key = id(lock)
        info = _tracked.get(key)
        if info is None or (_loop_checks and lock._loop is not AH.loop):
            return _wait_from(lock, op, sys._getframe(1))
        task = _task()
        level = _state.level
        stack = stack_id(sys._getframe(1), _DEPTHS[level]) if level else 0
        holder = _owners.get(key, 0) if lock._locked else 0
        t = now()
        told = info.holder
        if holder != told:
            info.holder = holder
            if told:
                extend((45, t, key, told, 0, 0))  # OP_LOCK_FREE
            if holder:
                extend((44, t, key, holder, 0, 0))  # OP_LOCK_HOLD
        info.waiters[task] = (0, stack)
        _waiting[task] = key
        _active[key] = info
        if holder == task and task:
            extend((48, t, key, task, 0, stack))  # OP_LOCK_REENTRY
        extend((42, t, key, task, 0, stack))  # OP_LOCK_WAIT
        if holder == task and task:
            locks.reentry(lock, info, task, sys._getframe(1))
    except Exception as error:
        core.fail(HOOK, error)


def _lock_woke(lock, ok, op):
    """`_woke` for a Lock."""
    try:
        key = id(lock)
        info = _tracked.get(key)
        if info is None:
            return
        task = _task()
        known = info.waiters.pop(task, None)
        _waiting.pop(task, None)
        if known is None:
            return
        t = now()
        if not ok:
            extend((43, t, key, task, 1, 0))  # OP_LOCK_WAIT_END
            return
        told = info.holder
        info.holder = task
        if told:
            extend((45, t, key, told, 0, 0, 43, t, key, task, 0, 0, 44, t, key, task, 0, known[1]))
        else:
            extend((43, t, key, task, 0, 0, 44, t, key, task, 0, known[1]))
    except Exception as error:
        core.fail(HOOK, error)


def _lock_freed(lock):
    """A contended Lock was released: it is nobody's until the next waiter runs."""
    info = _tracked.get(id(lock))
    if info is not None and info.holder and not lock._locked:
        extend((45, now(), info.key, info.holder, 0, 0))  # OP_LOCK_FREE
        info.holder = 0


def _woke(lock, ok, op, inner=None):
    try:
        if inner is not None:
            locks.unhide(inner)
        locks.end_wait(lock, ok, op, _task())
    except Exception as error:
        core.fail(HOOK, error)


def _born(lock):
    try:
        locks.born(lock, sys._getframe(1))
    except Exception as error:
        core.fail(HOOK, error)


def _hold(lock):
    """The slow way to note the holder: several loops, another loop implementation, or level `full`."""
    try:
        task = core.current_task_id()
        key = id(lock)
        if task:
            locks.owners[key] = task
        else:
            locks.owners.pop(key, None)
        if core.state.level == core.FULL:
            info = locks.track(lock)
            if info is not None:
                locks.show_holder(info, task, locks.where(sys._getframe(1)))
        elif AH.loop is None:
            _choose_loop()
    except Exception as error:
        core.fail(HOOK, error)


def _take(lock):
    try:
        locks.take(lock, _task())
    except Exception as error:
        core.fail(HOOK, error)


def _give(lock):
    try:
        locks.give(lock, _task())
    except Exception as error:
        core.fail(HOOK, error)


AH.wait, AH.woke, AH.born, AH.hold, AH.freed, AH.take, AH.give = _wait, _woke, _born, _hold, _lock_freed, _take, _give

#: For Lock alone.
AL = locks.Hooks()
AL.wait, AL.woke = _lock_wait, _lock_woke


# --- who holds a Lock ---------------------------------------------------------------------------------------------
# 3.12 and later: `current_task()` in C is cheap. Before, it asks for the process id each time (240 ns on 3.11), so the
# table of current tasks is read directly, with the running loop as the key; only while exactly one loop runs.

_started = weakref.WeakSet()


@core.hook("asyncio.run_forever")
def _loop_starts(loop):
    others = [other for other in _started if other is not loop and other.is_running()]
    _started.add(loop)
    AH.loop = None if others else loop


@core.hook("asyncio.run_forever")
def _loop_closes(loop):
    AH.loop = None


def _choose_loop():
    running = [loop for loop in _started if loop.is_running()]
    if len(running) == 1:
        AH.loop = running[0]


AH.starts, AH.closes = _loop_starts, _loop_closes


def _note_owner_text():
    if sys.version_info >= (3, 12):
        return "try: AH.owners[id(self)] = id(AH.current())\nexcept Exception: AH.hold(self)"
    return "try: AH.owners[id(self)] = id(AH.tasks[AH.loop])\nexcept Exception: AH.hold(self)"


def _install_owner(lock, semaphore):
    """What follows each successful `acquire` and goes before each `release`, by level of detail."""
    quick = splice.before(splice.returns_true, _note_owner_text(), AH)
    thorough = splice.before(splice.returns_true, "AH.hold(self)", AH)
    release = splice.append("AH.freed(self)", AH)
    take = splice.before(splice.returns_true, "AH.take(self)", AH)
    give = splice.prepend("AH.give(self)", AH)
    functions = (lock.acquire, lock.release, semaphore.acquire, semaphore.release)
    plans = {
        core.LIGHT: ((), (), (), ()),
        core.STANDARD: ((quick,), (), (take,), (give,)),
        core.FULL: ((thorough,), (release,), (take,), (give,)),
    }
    current = list(plans[core.LIGHT])

    def arrange(level):
        for index, function in enumerate(functions):
            edits = plans[level][index]
            if edits != current[index]:
                splice.exchange(function, current[index], edits)
                current[index] = edits

    try:
        arrange(core.state.level)
    except splice.SpliceError as error:
        core.missing(HOOK + ".holder", error)
        return
    core.on_detail(arrange)
    core.on_remove(HOOK, lambda: arrange(core.LIGHT))


# --- wrong loop, before 3.10 (later versions check by themselves, see `_ah_exceptions`) ------------------------------

_loop_checks = sys.version_info < (3, 10)


def _check_loop(lock, frame):
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


def _lock_state(lock):
    if not lock._locked:
        return (0, 1, 0)
    return (locks.owners.get(id(lock), 0), 0, 0)


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
    _dir = os.path.dirname(module.__file__) + os.sep
    locks.add_directory(_dir)
    known = locks.families
    known[module.Lock] = locks.Family(w.LOCK_LOCK, "asyncio", lambda _: 1, _lock_state, True)
    known[module.Semaphore] = locks.Family(w.LOCK_SEMAPHORE, "asyncio", _semaphore_capacity, _semaphore_state)
    known[module.BoundedSemaphore] = locks.Family(
        w.LOCK_BOUNDED_SEMAPHORE, "asyncio", _semaphore_capacity, _semaphore_state
    )
    known[module.Event] = locks.Family(w.LOCK_EVENT, "asyncio", _none, _event_state)
    known[module.Condition] = locks.Family(w.LOCK_CONDITION, "asyncio", _none, _condition_state)
    acquire = splice.wrap_awaits(_op(w.LOCK_OP_ACQUIRE), AH)
    wait = splice.wrap_awaits(_op(w.LOCK_OP_WAIT), AH)
    splice.apply(HOOK, module.Lock.acquire, splice.wrap_awaits(_op(w.LOCK_OP_ACQUIRE), AL))
    splice.apply(HOOK, module.Lock._wake_up_first, splice.append("AH.freed(self)", AH))
    splice.apply(HOOK, module.Event.wait, wait)
    splice.apply(HOOK, module.Condition.wait, wait)
    splice.apply(HOOK, module.Semaphore.acquire, acquire)
    for cls in (module.Lock, module.Event, module.Condition, module.Semaphore):
        splice.apply(HOOK, cls.__init__, splice.append("AH.born(self)", AH))
    barrier = getattr(module, "Barrier", None)
    if barrier is not None:
        known[barrier] = locks.Family(w.LOCK_BARRIER, "asyncio", lambda b: b._parties, _barrier_state)
        pick = _op(w.LOCK_OP_WAIT, {"_wait": "_cond"})
        splice.apply(HOOK, barrier.wait, splice.wrap_awaits(pick, AH))
        splice.apply(HOOK, barrier.__init__, splice.append("AH.born(self)", AH))


def install_queues(module):
    """Hooks of `asyncio.queues`; PriorityQueue and LifoQueue inherit them."""
    queue = module.Queue
    locks.families[queue] = locks.Family(w.LOCK_QUEUE, "asyncio", lambda q: q._maxsize or -1, _queue_state)
    splice.apply(QUEUES, queue.get, splice.wrap_awaits(_op(w.LOCK_OP_GET), AH))
    splice.apply(QUEUES, queue.put, splice.wrap_awaits(_op(w.LOCK_OP_PUT), AH))
    splice.apply(QUEUES, queue.join, splice.wrap_awaits(_op(w.LOCK_OP_JOIN, {"wait": "_finished"}), AH))
    splice.apply(QUEUES, queue.__init__, splice.append("AH.born(self)", AH))


# --- `wait_for(lock.acquire(), ...)` before 3.12 acquires in a task of its own, which ends at once ------------------


@core.hook("asyncio.wait_for")
def _begin_for(awaitable):
    frame = getattr(awaitable, "cr_frame", None)
    if frame is None or awaitable.cr_code not in _acquires:
        return None
    lock = frame.f_locals.get("self")
    return None if lock is None else [id(lock), True]


@core.hook("asyncio.wait_for")
def _fail_for(token):
    if token is not None:
        token[1] = False


@core.hook("asyncio.wait_for")
def _done_for(token):
    """The lock belongs to who called `wait_for`, not to the helper task."""
    if token is None or not token[1]:
        return
    key = token[0]
    task = core.current_task_id()
    info = locks.tracked.get(key)
    helper = locks.owners.get(key)
    if helper is not None:
        locks.owners[key] = task
        if info is not None and info.holder == helper:
            locks.show_holder(info, task)
    elif locks.permits.get(key):
        held = locks.permits[key]
        held[-1] = task
        if info is not None and info.holders:
            locks._show_permits(info, held)


AH.begin, AH.fail, AH.done = _begin_for, _fail_for, _done_for
_acquires = ()


def install_loop(module):
    """The holder of a Lock, once all of asyncio is there."""
    tasks = sys.modules["asyncio.tasks"]
    AH.tasks = getattr(tasks, "_current_tasks", {})
    AH.current = tasks.current_task
    _install_owner(module.Lock, module.Semaphore)
    if sys.version_info >= (3, 12):
        return
    base = sys.modules["asyncio.base_events"].BaseEventLoop
    splice.apply("asyncio.run_forever", base.run_forever, splice.prepend("AH.starts(self)", AH))
    splice.apply("asyncio.run_forever", base.close, splice.prepend("AH.closes(self)", AH))
    first_argument = tasks.wait_for.__code__.co_varnames[0]
    splice.apply("asyncio.wait_for", tasks.wait_for, splice.around(AH, first_argument))

    def refresh(_level=None):
        global _acquires
        _acquires = (module.Lock.acquire.__code__, module.Semaphore.acquire.__code__)

    refresh()
    core.on_detail(refresh)
