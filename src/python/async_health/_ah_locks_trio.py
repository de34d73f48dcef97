"""trio's Lock, StrictFIFOLock, Semaphore, Condition, Event, CapacityLimiter and memory channels.

The waits are seen where these classes park a task; trio itself knows the holders of its locks and limiters.
"""

import math
import os
import sys

from . import _ah_core as core
from . import _ah_locks as locks
from . import _ah_locks_births as births
from . import _ah_splice as splice
from . import _ah_wire as w

HOOK = "trio.locks"

AH = locks.Hooks()


def _current():
    task = getattr(AH.context, "task", None)
    return 0 if task is None else id(task)


@core.hook(HOOK)
def _wait(lock, op):
    locks.begin_wait(lock, op, sys._getframe(2), _current())


@core.hook(HOOK)
def _woke(lock, ok, op):
    locks.end_wait(lock, ok, op, _current())


@core.hook(HOOK)
def _again(lock):
    """The library is about to refuse an acquire by the holder."""
    locks.refused(lock, sys._getframe(2), _current())


def _hold(lock):
    """A task got the lock without waiting: its place is kept, and told when somebody waits; at `full` at once."""
    try:
        level = core.state.level
        if level:
            locks.held(lock, sys._getframe(1), _current(), level)
    except Exception as error:
        core.fail(HOOK, error)


AH.wait, AH.woke, AH.born, AH.again, AH.hold = _wait, _woke, births.hook_for(HOOK), _again, _hold


def _parks(op):
    """A pick: `await <lot>.park()` or `await ...wait_task_rescheduled(...)`."""
    number = str(int(op))

    def pick(value):
        function = getattr(value, "func", None)
        name = getattr(function, "attr", None) or getattr(function, "id", None)
        return ", " + number if name in ("park", "wait_task_rescheduled") else None

    return pick


def _lock_state(lock):
    owner = lock._owner
    return (0, 1, 0) if owner is None else (id(owner), 0, 0)


def _finite(number):
    return -1 if number == math.inf else int(number)


def _limiter_holders(limiter):
    return [id(one) for one in list(limiter._borrowers) if hasattr(one, "coro")]


def install_sync(module):
    """Hooks of `trio._sync`."""
    AH.context = sys.modules["trio._core._run"].GLOBAL_RUN_CONTEXT
    locks.add_directory(os.path.dirname(module.__file__) + os.sep)
    known = locks.families
    family = locks.Family
    lock_base = getattr(module, "_LockImpl", module.Lock)
    known[lock_base] = family(w.LOCK_LOCK, "trio", lambda _: 1, _lock_state, True)
    known[module.Semaphore] = family(
        w.LOCK_SEMAPHORE,
        "trio",
        lambda lock: lock._max_value if lock._max_value is not None else -1,
        lambda lock: (0, lock._value, 0),
    )
    known[module.Event] = family(w.LOCK_EVENT, "trio", lambda _: -1, lambda event: (0, 1 if event._flag else 0, 0))
    known[module.Condition] = family(w.LOCK_CONDITION, "trio", lambda _: -1, lambda lock: (0, len(lock._lot), 0))
    known[module.CapacityLimiter] = family(
        w.LOCK_CAPACITY_LIMITER,
        "trio",
        lambda lock: _finite(lock._total_tokens),
        lambda lock: (0, _finite(lock._total_tokens - len(lock._borrowers)), 0),
        holders=_limiter_holders,
    )
    acquire = splice.wrap_awaits(_parks(w.LOCK_OP_ACQUIRE), AH)
    wait = splice.wrap_awaits(_parks(w.LOCK_OP_WAIT), AH)
    splice.apply(HOOK, lock_base.acquire, acquire)
    splice.apply(
        HOOK,
        lock_base.acquire_nowait,
        splice.before(splice.raises_error("RuntimeError"), "AH.again(self)", AH),
        splice.after(splice.assigns("_owner"), "AH.hold(self)", AH),
    )
    splice.apply(HOOK, module.Semaphore.acquire, acquire)
    splice.apply(HOOK, module.CapacityLimiter.acquire_on_behalf_of, acquire)
    splice.apply(HOOK, module.Event.wait, wait)
    splice.apply(HOOK, module.Condition.wait, wait)
    for cls in (module.Semaphore, module.CapacityLimiter, module.Condition):
        splice.apply(HOOK, cls.__init__, splice.append("AH.born(self)", AH))


def install_channel(module):
    """Memory channels: one channel for both ends and all clones."""
    state = getattr(module, "MemoryChannelState", None) or module._MemoryChannelState
    locks.families[state] = locks.Family(
        w.LOCK_MEMORY_CHANNEL,
        "trio.MemoryChannel",
        lambda s: _finite(s.max_buffer_size),
        lambda s: (0, len(s.data), 0),
    )
    receive, send = module.MemoryReceiveChannel, module.MemorySendChannel
    splice.apply(HOOK, receive.receive, splice.wrap_awaits(_parks(w.LOCK_OP_GET), AH, "self._state"))
    splice.apply(HOOK, send.send, splice.wrap_awaits(_parks(w.LOCK_OP_PUT), AH, "self._state"))
    splice.apply(HOOK, receive.__attrs_post_init__, splice.append("AH.born(self._state)", AH))
