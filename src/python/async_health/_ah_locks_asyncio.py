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


@core.hook(HOOK)
def _wait(lock, op, inner=None):
    frame = sys._getframe(2)
    if lock._loop is not None and _loop_checks:
        _check_loop(lock, frame)
    if inner is not None:
        locks.hide(inner)
    locks.begin_wait(lock, op, frame)


@core.hook(HOOK)
def _woke(lock, ok, op, inner=None):
    if inner is not None:
        locks.unhide(inner)
    family = locks.family_of(lock)
    locks.end_wait(lock, ok, op == w.LOCK_OP_ACQUIRE and family is not None and family.single)


@core.hook(HOOK)
def _born(lock):
    frame = sys._getframe(2)
    if hidden_birth(frame):
        return
    family = locks.family_of(lock)
    locks.born(lock, frame, family is not None and family.kind in _ANNOUNCED)


@core.hook(HOOK)
def _hold(lock):
    """The slow way to note the holder: several loops, another loop implementation, or level `full`."""
    task = core.current_task_id()
    key = id(lock)
    if task:
        locks.owners[key] = task
    else:
        locks.owners.pop(key, None)
    if core.state.level == core.FULL:
        info = locks.track(lock)
        if info is not None:
            locks.show_holder(info, task, locks.where(sys._getframe(2), info.family))
    elif AH.loop is None:
        _choose_loop()


@core.hook(HOOK)
def _freed(lock):
    locks.freed(lock)


@core.hook(HOOK)
def _take(lock):
    if core.state.level:
        locks.take(lock)


@core.hook(HOOK)
def _give(lock):
    if core.state.level:
        locks.give(lock)


AH.wait, AH.woke, AH.born, AH.hold, AH.freed, AH.take, AH.give = _wait, _woke, _born, _hold, _freed, _take, _give

_ANNOUNCED = frozenset((w.LOCK_SEMAPHORE, w.LOCK_BOUNDED_SEMAPHORE, w.LOCK_QUEUE, w.LOCK_BARRIER))


def hidden_birth(frame):
    """Primitives that other primitives make for themselves (a Queue's Event, a Condition's Lock) need no place."""
    caller = frame.f_back
    return caller is not None and caller.f_code.co_name == "__init__" and caller.f_code.co_filename.startswith(_dir)


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


def _install_owner(cls):
    """The statement behind each successful `acquire`, by level of detail."""
    quick = splice.before(splice.returns_true, _note_owner_text(), AH)
    thorough = splice.before(splice.returns_true, "AH.hold(self)", AH)
    release = splice.append("AH.freed(self)", AH)
    current = {cls.acquire: (), cls.release: ()}

    def arrange(level):
        wanted = {cls.acquire: (), cls.release: ()}
        if level == core.STANDARD:
            wanted[cls.acquire] = (quick,)
        elif level == core.FULL:
            wanted = {cls.acquire: (thorough,), cls.release: (release,)}
        for function, edits in wanted.items():
            if edits != current[function]:
                splice.exchange(function, current[function], edits)
                current[function] = edits

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
    splice.apply(HOOK, module.Lock.acquire, acquire)
    splice.apply(HOOK, module.Lock._wake_up_first, splice.append("AH.freed(self)", AH))
    splice.apply(HOOK, module.Event.wait, wait)
    splice.apply(HOOK, module.Condition.wait, wait)
    splice.apply(HOOK, module.Semaphore.acquire, acquire, splice.before(splice.returns_true, "AH.take(self)", AH))
    splice.apply(HOOK, module.Semaphore.release, splice.prepend("AH.give(self)", AH))
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
        if info is not None and helper in info.holders:
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
    _install_owner(module.Lock)
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
