"""What the probe knows of locks, semaphores, conditions, events, queues, barriers and channels, of every library.

The uncontended path costs one dictionary store (the holder); all else happens when a task has to wait. A lock is announced
(`LOCK_NEW`) when first contended; queues, semaphores, barriers, limiters, channels when made. Holders are told to who waits.

`_ah_locks_asyncio`, `_ah_locks_anyio` and `_ah_locks_trio` put the hooks in and describe each class by a `Family`.
"""

import weakref

from . import _ah_core as core
from . import _ah_wire as w
from ._ah_intern import RARE_DEPTHS as DEPTHS
from ._ah_intern import add_library, frames_id, stack_id

extend = core.extend
now = core.now
state = core.state

#: At most so many locks are watched; further ones are left alone until some are gone.
MAX_TRACKED = 20_000
#: Ticks after which the place of a holder is not looked for again.
TRIES = 5
#: At most so many places of quiet locks (of their creation, of their holders) are remembered.
MAX_CREATED = 50_000

_ANNOUNCED = frozenset(
    (
        w.LOCK_SEMAPHORE,
        w.LOCK_BOUNDED_SEMAPHORE,
        w.LOCK_QUEUE,
        w.LOCK_BARRIER,
        w.LOCK_CAPACITY_LIMITER,
        w.LOCK_MEMORY_CHANNEL,
    )
)


class Family:
    """How to read one class of lock. `state(lock)` gives (holder address or 0, value, unfinished); `capacity(lock)` -1 for none.

    `label` is the library, or a whole name where the class's own says little. `holders(lock)` gives the addresses of all
    holders where the library itself knows them.
    """

    __slots__ = ("kind", "label", "capacity", "state", "single", "holders", "announced", "placed")

    def __init__(self, kind, label, capacity, state, single=False, holders=None, placed=False):
        self.kind = kind
        self.label = label
        self.capacity = capacity
        self.state = state
        #: Only one task holds it, and may not acquire it again.
        self.single = single
        self.holders = holders
        #: Told when it is made, not only when somebody waits.
        self.announced = kind in _ANNOUNCED
        #: Places are worked out later, by `_ah_locks_places`, where they are not told at once.
        self.placed = placed


class _Ref(weakref.ref):
    __slots__ = ("key",)


class Tracked:
    """One announced lock."""

    __slots__ = (
        "ref",
        "key",
        "family",
        "holder",
        "holders",
        "waiters",
        "last",
        "loop",
        "name",
        "stack",
        "tries",
        "idle",
        "waits",
        "failed",
        "longest",
        "told_waits",
        "placing",
    )

    def __init__(self, key, family):
        self.key = key
        self.family = family
        self.ref = None
        #: The holder told to the model, of a single-holder lock; 0 for none.
        self.holder = 0
        #: task address -> permits told to the model, of others
        self.holders = {}
        #: task address -> [lock op, stack id or 0, raw ns since when if it is not told yet else 0, tries for its place]
        self.waiters = {}
        #: Waits that were over before they were told: how many, how many in vain, the longest in ns.
        self.waits = self.failed = self.longest = self.told_waits = 0
        #: task address -> how often the place of that holder of a permit was looked for
        self.placing = {}
        #: It is not in `active`.
        self.idle = True
        #: How often the holder's place was looked for.
        self.tries = 0
        self.last = None
        self.loop = 0
        self.name = 0
        self.stack = 0


tracked = {}  # address -> Tracked
active = {}  # address -> Tracked that is sampled at each tick
created = {}  # address -> (code, offset) where a lock that is not announced (yet) was made
#: Address of a single-holder lock -> address of the task that last acquired it; or, where it was `acquire()` that it called,
#: (task, code, offset of the call).
owners = {}
permit_places = {}  # (address of a semaphore, of a task) -> (code, offset) of a direct `acquire()`
shown = set()  # addresses of the single-holder locks whose holder the model knows
permits = {}  # address of a semaphore -> list of addresses of the tasks that hold it
waiting = {}  # address of a task -> address of the lock it waits for
#: Waits for an asyncio.Lock that began since the last tick and are in no other table. Address of the task -> as in
#: `Tracked.waiters`, and the Tracked, the lock's address, whether it is `async with` (None: it is over), the task's address.
fresh = {}
hidden = {}  # address -> how many outer primitives wait through it just now
families = {}  # class -> Family
directories = ()  # of the libraries whose frames are left out at the inner end of stacks


def add_directory(path):
    """Leave the frames of files below `path` (with a trailing separator) out of the stacks of locks."""
    global directories
    if path not in directories:
        directories += (path,)
        add_library(path)


def waiting_for(task):
    """Address of the lock a task (given by its address) waits for, 0 for none."""
    key = waiting.get(task)
    if key is None:
        wait = fresh.get(task)
        key = 0 if wait is None else wait[5]
    return key


def forget_wait(info, task, wait):
    """A wait is over that was not told."""
    if info.waiters.get(task) is wait:
        info.waiters.pop(task, None)
        waiting.pop(task, None)


def family_of(lock):
    """The Family of a lock, by its class or the nearest base class that has one."""
    cls = type(lock)
    found = families.get(cls)
    if found is None:
        for base in cls.__mro__[1:]:
            found = families.get(base)
            if found is not None:
                families[cls] = found
                break
    return found


def outside(frame):
    """The first frame, going outward, that is not a library's of `directories`: where the program called it."""
    first = frame
    for _ in range(12):
        if frame is None:
            return first
        name = frame.f_code.co_filename
        # `<string>`: methods made by dataclasses and attrs; contextlib: a library's `@contextmanager`.
        if not name.startswith(directories) and name[:1] != "<" and not name.endswith("contextlib.py"):
            return frame
        frame = frame.f_back
    return first


def where(frame):
    """Stack id of the program's call into the lock (the library's own frames are left out later), 0 at level `light`."""
    level = state.level
    return stack_id(frame, DEPTHS[level]) if level else 0


def _gone(ref):
    try:
        info = tracked.get(ref.key)
        if info is not None and info.ref is ref:
            del tracked[ref.key]
            active.pop(ref.key, None)
            owners.pop(ref.key, None)
            permits.pop(ref.key, None)
            shown.discard(ref.key)
            names.pop(ref.key, None)
            core.emit(w.OP_LOCK_GONE, ref.key)
    except Exception:  # interpreter shutdown
        pass


def track(lock, creator=0, stack=0):
    """The Tracked of a lock, announcing it when it is new; None when it cannot be watched."""
    key = id(lock)
    info = tracked.get(key)
    if info is not None:
        if info.ref is None or info.ref() is lock:
            return info
        _gone(info.ref)
    if len(tracked) >= MAX_TRACKED:
        return None
    family = family_of(lock)
    if family is None:
        return None
    info = Tracked(key, family)
    try:
        info.ref = _Ref(lock, _gone)
        info.ref.key = key
    except TypeError:
        return None  # no weak reference: its end could not be seen
    place = created.pop(key, None)
    if place is not None and not stack:
        stack = frames_id(place[:1], place[1:] + (-1,), True)
    info.stack = stack
    info.loop = getattr(lock, "_loop", None)
    info.loop = id(info.loop) if info.loop is not None else 0
    info.name = fresh_name(info, lock)
    tracked[key] = info
    _announce(info, lock, creator)
    return info


def _announce(info, lock, creator=0):
    core.emit(w.OP_LOCK_NEW, info.key, creator, info.family.kind, info.stack)
    core.emit(w.OP_LOCK_META, info.key, info.family.capacity(lock), info.name, info.loop)


def rename(lock, name):
    """Give an announced lock the program's own name."""
    info = track(lock)
    if info is not None:
        names[info.key] = name
        info.name = core.string_id(name)
        core.emit(w.OP_LOCK_META, info.key, info.family.capacity(lock), info.name, info.loop)
    return info


# --- called from the edited methods ------------------------------------------------------------------------------


class Hooks:
    """What the edited methods see as `AH`; the functions may be exchanged while the program runs."""


def activate(info):
    """Look at it each tick from now on."""
    info.idle = False
    active[info.key] = info


def begin_wait(lock, op, frame, task):
    """The task (by its address) is about to wait. `frame` is the library's frame that waits."""
    key = id(lock)
    if hidden and key in hidden:
        return
    info = tracked.get(key)
    if info is None:
        info = track(lock)
        if info is None:
            return
    level = state.level
    stack = stack_id(frame, DEPTHS[level]) if level else 0
    family = info.family
    activate(info)
    info.waiters[task] = [op, stack, 0, 0]
    waiting[task] = key
    if not family.single:
        if family.holders is not None:
            show_permits(info, family.holders(lock))
        elif key in permits:
            show_permits(info, permits[key])
        extend((42, now(), key, task, op, stack))  # OP_LOCK_WAIT
        return
    holder = family.state(lock)[0]
    if holder != info.holder:
        show_holder(info, holder)
    t = now()
    if holder == task and task:
        extend((48, t, key, task, 0, stack, 42, t, key, task, op, stack))  # OP_LOCK_REENTRY, OP_LOCK_WAIT
        reentry(lock, info, task, frame)
    else:
        extend((42, t, key, task, op, stack))


def reentry(lock, info, task, frame, refused=False):
    """Tell the violation callbacks, in the offending frame."""
    text = "This task acquires a %s that it already holds: "
    text += "the library refuses." if refused else "it will wait for itself forever."
    info = {"message": text % type(lock).__name__, "lock": info.key, "task": task}
    core.violation("lock-reentry", outside(frame), info)


def refused(lock, frame, task):
    """The library refuses (by an exception) to let the holder acquire the lock again."""
    info = track(lock)
    if info is not None:
        show_holder(info, info.family.state(lock)[0])
        extend((48, now(), info.key, task, 1, stack_id(frame, DEPTHS[state.level] or 8)))  # OP_LOCK_REENTRY
        reentry(lock, info, task, frame, True)


def held(lock, frame, task, level):
    """An acquire without waiting, where the library itself knows the holder."""
    if level == core.FULL:
        info = track(lock)
        if info is not None:
            show_holder(info, task, where(frame))
        return
    frame = outside(frame)
    owners[id(lock)] = (task, frame.f_code, frame.f_lasti)


def end_wait(lock, ok, op, task):
    """The task's wait ended, `ok` when it got what it wanted: a single-holder lock is its own now."""
    key = id(lock)
    info = tracked.get(key)
    if info is None or (hidden and key in hidden):
        return
    known = info.waiters.pop(task, None)
    waiting.pop(task, None)
    if known is None:
        return
    if not ok:
        extend((43, now(), key, task, 1, 0))  # OP_LOCK_WAIT_END
    elif op or not info.family.single:
        extend((43, now(), key, task, 0, 0))
    else:
        t = now()
        if info.holder:
            extend((45, t, key, info.holder, 0, 0))  # OP_LOCK_FREE
        info.holder = task
        shown.add(key)
        info.tries = TRIES if known[1] else 0
        extend((43, t, key, task, 0, 0, 44, t, key, task, 0, known[1]))  # OP_LOCK_WAIT_END, OP_LOCK_HOLD


def show_holder(info, holder, stack=0):
    """Tell the model who holds a single-holder lock; 0 for nobody."""
    before = info.holder
    if holder == before:
        return
    info.holder = holder
    info.tries = 0
    if holder and not stack:
        place = left_place(info.key, holder)
        if place is not None:
            info.tries = TRIES
            stack = frames_id(place[:1], place[1:], True)
    if before:
        extend((45, now(), info.key, before, 0, 0))  # OP_LOCK_FREE
        shown.discard(info.key)
    if holder:
        shown.add(info.key)
        activate(info)
        extend((44, now(), info.key, holder, 0, stack))  # OP_LOCK_HOLD


def left_place(key, holder):
    """(code, offset) that the holder's own call of `acquire()` left, or None."""
    owner = owners.get(key)
    if type(owner) is not tuple or owner[0] != holder or not state.level:
        return None
    # Code of the library: `async with`, whose place `_ah_locks_places` finds, or a task made of the `acquire()` itself.
    return None if owner[1].co_filename.startswith(directories) else owner[1:]


def show_permits(info, held):
    """Tell the model who holds a semaphore, as far as it was not told."""
    told = info.holders
    counts = {}
    for task in held:
        counts[task] = counts.get(task, 0) + 1
    if counts == told:
        return
    key = info.key
    for task in list(told):
        for _ in range(told[task] - counts.get(task, 0)):
            extend((45, now(), key, task, 0, 0))  # OP_LOCK_FREE
            info.placing.pop(task, None)
    for task, count in counts.items():
        place = permit_places.get((key, task)) if state.level and task not in told else None
        stack = 0
        if place is not None:
            stack = frames_id(place[:1], place[1:], True)
            info.placing[task] = TRIES
        for _ in range(count - told.get(task, 0)):
            extend((44, now(), key, task, 0, stack))  # OP_LOCK_HOLD
    info.holders = counts


def hide(inner):
    """Waits of `inner` are details of an outer primitive until `unhide`."""
    hidden[id(inner)] = hidden.get(id(inner), 0) + 1


def unhide(inner):
    count = hidden.get(id(inner), 0)
    if count > 1:
        hidden[id(inner)] = count - 1
    else:
        hidden.pop(id(inner), None)


def take(lock, task, caller):
    """The task took one permit of a semaphore; `caller` is the frame that called its `acquire`."""
    key = id(lock)
    if caller is not None and not caller.f_code.co_filename.startswith(directories):
        permit_places[key, task] = (caller.f_code, caller.f_lasti)
    held = permits.get(key)
    if held is None:
        if len(permits) > MAX_TRACKED:
            return
        held = permits[key] = []
    if len(held) < 64:
        held.append(task)
    info = tracked.get(key)
    if info is not None and (info.waiters or info.holders):
        show_permits(info, held)


def give(lock, task):
    """A permit came back: the task's own, else the oldest."""
    key = id(lock)
    held = permits.get(key)
    if not held:
        return
    if task in held:
        held.remove(task)
    else:
        task = held.pop(0)
    if permit_places and task not in held:
        permit_places.pop((key, task), None)
    info = tracked.get(key)
    if info is not None and info.holders:
        show_permits(info, held)


def freed(lock):
    """A contended single-holder lock was released."""
    info = tracked.get(id(lock))
    if info is not None and info.holder:
        show_holder(info, info.family.state(lock)[0])


def fresh_name(info, lock):
    """String id of the name to tell of a lock."""
    text = names.get(info.key) or info.family.label
    if "." not in text and info.key not in names:
        text = "%s.%s" % (text, type(lock).__name__)
    info.name = core.string_id(text)
    return info.name


#: Names given by the program (`monitor_lock`), by address.
names = {}


def install(options):
    """Put the hooks in wherever the libraries are, now or once they are imported."""
    from . import _ah_locks_asyncio, _ah_locks_sample

    _ah_locks_sample.install()

    core.on_import("asyncio.locks", _ah_locks_asyncio.install_locks)
    core.on_import("asyncio.queues", _ah_locks_asyncio.install_queues)
    core.on_import("asyncio", _ah_locks_asyncio.install_loop)
    core.before_import("anyio", _install_anyio)
    core.before_import("trio", _install_trio)


def _install_anyio():
    from . import _ah_locks_anyio

    core.on_import("anyio._backends._asyncio", _ah_locks_anyio.install_backend)
    core.on_import("anyio._core._synchronization", _ah_locks_anyio.install_core)
    core.on_import("anyio.streams.memory", _ah_locks_anyio.install_memory)


def _install_trio():
    from . import _ah_locks_trio

    core.on_import("trio._sync", _ah_locks_trio.install_sync)
    core.on_import("trio._channel", _ah_locks_trio.install_channel)
