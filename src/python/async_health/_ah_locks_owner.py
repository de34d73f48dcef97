"""asyncio.Lock: its waits, and who holds it, at as little cost as can be.

Uncontended, an `acquire` leaves the address of its task, in `locks.owners`; a direct `await lock.acquire()` also its place.
`async with` does without: while the block runs, the place can be read off the suspended frame (`_ah_locks_places`).
Contended, nothing is told at once: most waits are over long before the next tick, and are counted. One that still stands
then is told with its place (`_ah_locks_places`), and so is its end.
"""

import sys
import weakref

from . import _ah_core as core
from . import _ah_locks as locks
from . import _ah_splice as splice
from . import _ah_wire as w
from ._ah_edits import wrap_awaits
from ._ah_intern import frames_id, stack_id

HOOK = "asyncio.locks"
FULL = core.FULL

extend = core.extend
now = core.now
_state = core.state
_tracked = locks.tracked
_owners = locks.owners
_fresh = locks.fresh


def _nobody(_loop):
    return None


class _Hooks:
    """What the edited methods see as `AH`. Attributes of the instance: those of a class are not read as quickly."""

    def __init__(self):
        self.owners = locks.owners
        self.shown = locks.shown
        self.frame = sys._getframe
        #: `async with` of a Lock is about to call `acquire`.
        self.entering = False
        #: The one loop that runs, while there is exactly one; before 3.12 only.
        self.loop = None
        self.tasks = {}
        #: `current(loop)`: the running task or None.
        self.current = _nobody
        self.lock = None
        #: The code of `wait_for`, where it awaits `acquire` in the caller's task (3.12).
        self.wait_for = None


AH = _Hooks()


def running_task():
    """Address of the running task, 0 for none."""
    try:
        task = AH.current(AH.loop)
    except RuntimeError:  # no asyncio loop runs here
        task = None
    return core.current_task_id() if task is None else id(task)


# --- the contended path; called for each operation, so without the decorator `core.hook`, and with little in it ------


def _wait(lock):
    """The running task is about to wait; what is returned goes on to `_woke`."""
    try:
        entering = AH.entering
        AH.entering = False
        key = id(lock)
        info = _tracked.get(key)
        task = AH.current(AH.loop)
        task = core.current_task_id() if task is None else id(task)
        owner = _owners.get(key)
        if (
            info is None
            or (lock._locked and (owner == task or type(owner) is tuple and owner[0] == task))
            or _state.level == FULL
            or (_loop_checks and lock._loop is not AH.loop)
        ):
            _wait_thoroughly(lock, task, sys._getframe(1))
            return [0, 0, 0, 0, None, key, entering, task]
        if info.idle:
            locks.activate(info)
        wait = _fresh[task] = [0, 0, now(), 0, info, key, entering, task]
        return wait
    except Exception as error:
        core.fail(HOOK, error)


def _wait_thoroughly(lock, task, frame):
    """The first wait for a lock, at level `full`, of the holder itself, or perhaps in another loop: told at once."""
    if _loop_checks and lock._loop is not None:
        from ._ah_locks_asyncio import check_loop

        check_loop(lock, frame)
    locks.begin_wait(lock, w.LOCK_OP_ACQUIRE, frame, task)


def _woke(lock, ok, wait):
    """That wait is over; `ok`: it has the lock now."""
    try:
        _, _, since, _, info, key, entering, task = wait
        if ok and _state.level:
            if entering:
                _owners[key] = task
            else:
                frame = sys._getframe(2)
                if frame.f_code is AH.wait_for:
                    frame = frame.f_back
                _owners[key] = task, frame.f_code, frame.f_lasti
        if not since:  # it has been told
            return locks.end_wait(lock, ok, w.LOCK_OP_ACQUIRE, task)
        if _fresh.pop(task, None) is not wait:
            wait[6] = None
            locks.forget_wait(info, task, wait)
        info.waits += 1
        if not ok:
            info.failed += 1
        since = now() - since
        if since > info.longest:
            info.longest = since
    except Exception as error:
        if wait is not None:  # else the hook was removed while it waited
            core.fail(HOOK, error)


def _freed(lock):
    """A lock was released, and the model knows some lock's holder: perhaps this one's."""
    info = _tracked.get(id(lock))
    if info is not None and info.holder and not lock._locked:
        locks.show_holder(info, 0)


# --- the holder -----------------------------------------------------------------------------------------------------


def _hold(lock):
    """The slow way to note the holder: several loops, another loop implementation, or level `full`."""
    try:
        task = core.current_task_id()
        key = id(lock)
        if task:
            _owners[key] = task
        else:
            _owners.pop(key, None)
        if _state.level == FULL:
            info = locks.track(lock)
            if info is not None:
                frame = sys._getframe(1)
                locks.show_holder(info, task, stack_id(frame, locks.DEPTHS[FULL]))
        else:
            frame = locks.outside(sys._getframe(1))
            if task and not AH.entering:
                _owners[key] = (task, frame.f_code, frame.f_lasti)
            AH.entering = False
            if AH.loop is None:
                _choose_loop()
    except Exception as error:
        core.fail(HOOK, error)


AH.wait, AH.woke, AH.freed, AH.hold = _wait, _woke, _freed, _hold

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


def _note_text():
    """What `acquire` does before it returns. A few bytecodes: this is paid by every acquire of the program."""
    task = "id(AH.current())" if sys.version_info >= (3, 12) else "id(AH.tasks[AH.loop])"
    passes = "  if _ah_frame.f_code is AH.wait_for: _ah_frame = _ah_frame.f_back\n" if AH.wait_for else ""
    return (
        "try:\n"
        " if AH.entering:\n"
        "  AH.owners[id(self)] = {0}\n"
        "  AH.entering = False\n"
        " else:\n"
        "  _ah_frame = AH.frame(1)\n"
        "{1}"
        "  AH.owners[id(self)] = {0}, _ah_frame.f_code, _ah_frame.f_lasti\n"
        "except Exception: AH.hold(self)"
    ).format(task, passes)


def _install_owner(lock, semaphore, mixin, hooks):
    """What follows each successful `acquire` and goes before each `release`, by level of detail."""
    # The first `return True`: the other one follows a wait, after which `_woke` notes the holder.
    quick = splice.before(splice.returns_true, _note_text(), AH, once=True)
    enter = splice.prepend("AH.entering = self.__class__ is AH.lock", AH)
    thorough = splice.before(splice.returns_true, "AH.hold(self)", AH)
    release = splice.append("AH.freed(self)", AH)
    take = splice.before(splice.returns_true, "AH.take(self)", hooks)
    give = splice.prepend("AH.give(self)", hooks)
    functions = (lock.acquire, mixin.__aenter__, lock.release, semaphore.acquire, semaphore.release)
    plans = {
        core.LIGHT: ((), (), (), (), ()),
        core.STANDARD: ((quick,), (enter,), (), (take,), (give,)),
        core.FULL: ((thorough,), (), (release,), (take,), (give,)),
    }
    current = list(plans[core.LIGHT])

    def arrange(level):
        AH.entering = False
        if level == core.LIGHT:  # what was noted is not kept up any more
            _owners.clear()
            locks.permits.clear()
            locks.permit_places.clear()
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


_loop_checks = sys.version_info < (3, 10)


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
    owner = _owners.get(key)
    if owner is not None:
        helper = owner if type(owner) is int else owner[0]
        frame = locks.outside(sys._getframe(2))
        _owners[key] = (task, frame.f_code, frame.f_lasti)
        if info is not None and info.holder == helper:
            locks.show_holder(info, task, frames_id((frame.f_code,), (frame.f_lasti,), True))
    elif locks.permits.get(key):
        held = locks.permits[key]
        held[-1] = task
        if info is not None and info.holders:
            locks.show_permits(info, held)


AH.begin, AH.fail, AH.done = _begin_for, _fail_for, _done_for
_acquires = ()


def state_of(lock):
    """(holder, free, 0) of a Lock."""
    if not lock._locked:
        return (0, 1, 0)
    owner = _owners.get(id(lock), 0)
    return (owner if type(owner) is int else owner[0], 0, 0)


def install_lock(lock, pick):
    """The contended path of a Lock. `pick` recognises the await of its future."""
    AH.lock = lock
    splice.apply(HOOK, lock.acquire, wrap_awaits(pick, AH, token=True, whole=("self._locked or self._waiters", "")))
    splice.apply(HOOK, lock._wake_up_first, splice.append("if AH.shown: AH.freed(self)", AH))


def install_loop(module, hooks):
    """The holder, once all of asyncio is there. `hooks`: the object with `take` and `give` for semaphores."""
    tasks = sys.modules["asyncio.tasks"]
    AH.tasks = getattr(tasks, "_current_tasks", {})
    # Before 3.12 `current_task` asks for the process id each time (240 ns on 3.11): the table is read, for the one loop.
    AH.current = tasks.current_task if sys.version_info >= (3, 12) else AH.tasks.get
    if sys.version_info >= (3, 12):
        AH.wait_for = tasks.wait_for.__code__
    _install_owner(module.Lock, module.Semaphore, sys.modules["asyncio.locks"]._ContextManagerMixin, hooks)
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
