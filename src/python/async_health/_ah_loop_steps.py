"""At level `full`: every step of every task is timed, and how long it stood in the ready queue before.

Statements inside `Handle._run` and `BaseEventLoop._call_soon` do the timing; they are put in when the level becomes
`full` and taken out when it is lowered, so the other levels pay nothing. uvloop brings handles of its own, but what asyncio's
tasks schedule goes through its `call_soon`, an ordinary method of its class: there the steps of tasks are wrapped, for the same time.
"""

import sys

from . import _ah_core as core
from . import _ah_splice as splice
from . import _ah_tasks as tasks
from . import _ah_wire as wire

_HOOK = "loop.steps"
#: Upper bounds in ns of the histograms.
BOUNDS = [
    1_000,
    3_000,
    10_000,
    30_000,
    100_000,
    300_000,
    1_000_000,
    3_000_000,
    10_000_000,
    30_000_000,
    100_000_000,
    10**9,
]
_READY_MAX = 200_000


class _Hooks:
    now = core.now


AH = _Hooks()
#: Address of a ready handle -> when it became ready (raw ns).
AH.ready = ready = {}

#: Task address -> [steps, busy ns, longest step ns, waits, total ns ready to running, longest such ns].
stats = {}
_dirty = set()
_step_counts = {}
_schedule_counts = {}
_edits = []
_events = None
_told = 0


def install(_options):
    """Follow the level of detail once asyncio is imported."""
    core.on_detail(_follow)
    core.on_tick(_tick)
    core.on_sync(_sync)
    core.on_start(_forget)
    core.on_import("asyncio", _install)
    for name in ("uvloop", "winloop"):
        core.on_import(name, _install_foreign)


def _install(_asyncio):
    global _events
    _events = sys.modules["asyncio.events"]
    AH.begins = _begins
    AH.ran = _ran
    AH.queued = _queued
    _follow(core.state.level)


def _follow(level):
    if _events is None:
        return
    if level == core.FULL and not _edits:
        _put_in()
    elif level != core.FULL and _edits:
        _take_out()
    _follow_foreign(level)


def _put_in():
    base = sys.modules["asyncio.base_events"].BaseEventLoop
    timed = _around("_ah_step = AH.begins(self)", "AH.ran(_ah_step)")
    queued = splice.before(lambda statement: type(statement).__name__ == "Return", "AH.queued(handle)", AH)
    try:
        for function, edit in ((_events.Handle._run, timed), (base._call_soon, queued)):
            splice.splice(function, edit)
            _edits.append((function, edit))
    except Exception as error:
        _take_out()
        core.missing(_HOOK, error)
        return
    core.set_stack_boundary(_events.Handle._run.__code__)
    core.on_remove(_HOOK, _take_out)


def _take_out():
    while _edits:
        function, edit = _edits.pop()
        splice.unsplice(function, edit)
    core.set_stack_boundary(_events.Handle._run.__code__)
    ready.clear()


def _around(first, last):
    def edit(node, insert):
        like = node.body[0]
        guard = insert("try: pass\nfinally: " + last, AH, like)
        guard[0].body = node.body
        node.body = insert(first, AH, like) + guard

    return edit


# --- uvloop ---------------------------------------------------------------------------------------------------------

_FOREIGN = "loop.steps.foreign"
_foreign_loops = []  # classes
_wrapped = []


def _install_foreign(module):
    loop = getattr(module, "Loop", None)
    if isinstance(loop, type) and "call_soon" not in vars(loop):  # it comes from the compiled class below
        _foreign_loops.append(loop)
        _follow_foreign(core.state.level)


def _follow_foreign(level):
    if level == core.FULL and not _wrapped:
        for cls in _foreign_loops:
            core.patch(cls, "call_soon", _timing(cls.call_soon), _FOREIGN)
            _wrapped.append(cls)
    elif level != core.FULL and _wrapped:
        del _wrapped[:]
        core.remove(_FOREIGN)
        core.hooks[_FOREIGN].removed = False  # it comes back with the next `full`


def _timing(original):
    def call_soon(self, callback, *args, context=None):
        try:
            task = getattr(callback, "__self__", None)
            if task is not None and id(task) in tasks.live:
                callback = _Step(callback, id(task), id(self))
        except Exception as error:
            core.fail(_FOREIGN, error)
        return original(self, callback, *args, context=context)

    return call_soon


class _Step:
    """A task's own callback (its step, or its wake-up by a future), timed."""

    __slots__ = ("callback", "address", "loop", "since")

    def __init__(self, callback, address, loop):
        self.callback = callback
        self.address = address
        self.loop = loop
        self.since = core.now()

    def __call__(self, *args):
        began = core.now()
        try:
            return self.callback(*args)
        finally:
            _ran((began, self.since, self.address, self.loop))

    def __repr__(self):
        return repr(self.callback)


def _queued(handle):
    try:
        if len(ready) < _READY_MAX:
            ready[id(handle)] = core.now()
    except Exception as error:
        core.fail(_HOOK, error)


def _begins(handle):
    """A callback is about to run. Whose step is it? The callback is a method of its task (C's step and wake-up, or Python's).

    Only numbers are kept: the method clears its own reference to the handle before it ends.
    """
    try:
        since = ready.pop(id(handle), 0)
        task = getattr(handle._callback, "__self__", None)
        address = id(task)  # of a task that lives now: it may end in this step
        if address not in tasks.live:
            address = 0
        loop = id(handle._loop)
        return core.now(), since, address, loop
    except Exception as error:
        core.fail(_HOOK, error)
        return None


def _ran(step):
    """It ran."""
    try:
        ended = core.now()
        if step is None:
            return
        began, since, address, loop = step
        spent = ended - began
        waited = max(0, began - since)
        _count(_step_counts, loop, spent)
        if since:
            _count(_schedule_counts, loop, waited)
        if not address:
            return
        found = stats.get(address)
        if found is None:
            found = stats[address] = [0, 0, 0, 0, 0, 0]
        found[0] += 1
        found[1] += spent
        if spent > found[2]:
            found[2] = spent
        if since:
            found[3] += 1
            found[4] += waited
            if waited > found[5]:
                found[5] = waited
        if address in tasks.live:
            _dirty.add(address)
        else:
            _tell(address, found)
            stats.pop(address, None)
            _dirty.discard(address)
    except Exception as error:
        core.fail(_HOOK, error)


def _count(table, loop, value):
    counts = table.get(loop)
    if counts is None:
        counts = table[loop] = [0] * (len(BOUNDS) + 1)
    at = 0
    for bound in BOUNDS:
        if value <= bound:
            break
        at += 1
    counts[at] += 1


def _tell(address, found):
    core.emit(wire.OP_TASK_STEPS, address, found[0], found[1], found[2])
    core.emit(wire.OP_TASK_SCHED, address, found[3], found[4], found[5])


def _tick():
    """Send what changed; once a second the histograms (cumulative counts)."""
    global _told
    if not _dirty and not _step_counts:
        return
    while _dirty:
        try:
            address = _dirty.pop()
        except KeyError:
            break
        found = stats.get(address)
        if found is not None:
            _tell(address, found)
    for address in [address for address in list(stats) if address not in tasks.live]:
        stats.pop(address, None)
    moment = core.now()
    if moment - _told >= 1_000_000_000:
        _told = moment
        for name, table in (("step", _step_counts), ("schedule", _schedule_counts)):
            for loop, counts in list(table.items()):
                core.note({"kind": "histogram", "loop": loop, "name": name, "bounds": BOUNDS, "counts": list(counts)})


def _sync():
    for address, found in list(stats.items()):
        _tell(address, found)


def _forget():
    global _told
    _told = 0
    stats.clear()
    _dirty.clear()
    ready.clear()
    _step_counts.clear()
    _schedule_counts.clear()
