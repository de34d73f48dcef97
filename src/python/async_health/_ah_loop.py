"""Event loops: which there are, how many turns they make, their lag, and what blocks them, with the stack while it blocks.

asyncio's own loops: two statements inside `BaseEventLoop._run_once` note when a turn began to work and when it was done
(about 60 ns a turn). The probe's thread looks at that note every few milliseconds; a turn that takes too long is a block,
and `sys._current_frames()` then tells what the loop's thread is doing. Other loops (uvloop) are watched by `_ah_loop_foreign`.
A loop of asyncio's with a clock of its own (a simulation, a test) has no lag; its blocks are measured by ours.
"""

import sys
import time
from _thread import get_ident
from weakref import ref

from . import _ah_core as core
from . import _ah_splice as splice
from . import _ah_wire as wire
from ._ah_clock import clock as pauses
from ._ah_clock import has_own_clock
from ._ah_inject import inject
from ._ah_intern import string_id
from ._ah_loop_foreign import Pulse
from ._ah_loop_foreign import watch as watch_foreign
from ._ah_loop_stacks import current_task_of, paused_at_breakpoint, thread_stack, what_runs
from ._ah_system import tell_block

_TURN = "loop.turn"
_RUN = "loop.run"


#: Later than any time, so that no statement of a turn has to ask for it first.
IDLE = float("inf")


class Turn:
    """State that the loop's own statements write: plain attributes, one object per running loop."""

    def __init__(self):
        #: `time.monotonic` when the present turn began to work, `IDLE` while the loop waits for events.
        self.since = IDLE
        self.count = 0
        #: Longest turn since the last tick, seconds.
        self.worst = 0.0
        #: Callbacks in it.
        self.todo = 0
        #: A turn of this many seconds is slow.
        self.slow = 0.1
        #: `count` of a turn in which the thread stood at a breakpoint: its length says nothing.
        self.paused = -1


class Loop:
    """What the probe knows of one loop."""

    def __init__(self, loop, kind, thread):
        self.reference = ref(loop)
        self.address = id(loop)
        self.kind = kind
        self.thread = thread
        self.running = True
        self.turn = Turn()
        self.told_turns = 0
        #: Turns at the last look.
        self.looked_turns = 0
        # A block in progress: when it began (raw ns), its task, its last stack; for foreign loops also what ran.
        self.block_since = 0
        self.block_task = 0
        self.block_stack = 0
        self.seen = None
        self.seen_since = 0
        self.block_told = False
        #: On the loops' clock when it began to run, s: no turn of it is older.
        self.began = AH.clock()
        #: Our clock (raw ns) at the first look at a turn, for loops whose own cannot be used.
        self.turn_seen = 0
        self.turn_number = -1
        # Without the statements of a turn (no source) a loop of asyncio's is as any other.
        self.pulse = None if kind == "asyncio" and _variant is not None else Pulse()


_loops = {}
_multi = False


class _Hooks:
    #: The clock of the loops' own `time()`: after the first pause in the debugger it is the frozen one.
    clock = time.monotonic


AH = _Hooks()
AH.one = Turn()
AH.by_thread = {}


def _resumed(_seconds):
    AH.clock = pauses.time
    for known in list(_loops.values()):
        if known.pulse is not None:
            known.pulse.resumed()


pauses.listeners.append(_resumed)
_base = None
_threshold_s = 0.1


def install(options):
    """Hook asyncio's loops once they are imported; watch from the probe's thread."""
    global _threshold_s
    _threshold_s = max(0.005, core.threshold_ms(options, "blockedLoopMs", 100) / 1000.0)
    core.on_import("asyncio", _install)
    core.on_poll(_watch)
    core.on_tick(_tick)
    core.on_sync(_sync)
    core.on_start(_forget)


def loops():
    """Strong references to the loops that live."""
    return [loop for loop in (known.reference() for known in list(_loops.values())) if loop is not None]


def _install(asyncio):
    global _base
    base = _base = sys.modules["asyncio.base_events"].BaseEventLoop
    AH.started = _started
    AH.stopped = _stopped
    AH.closed = _closed
    AH.slow_turn = _slow_turn
    run = base.run_forever
    if not inject(
        run, _RUN, prologue="AH.started(self)", epilogue="AH.stopped(self)", started=_started, stopped=_stopped
    ):
        core.missing(_RUN, "no matching source of run_forever")
    if not inject(base.close, _RUN, epilogue="AH.closed(self)", closed=_closed):
        core.missing(_RUN, "no matching source of close")
    _set_variant(False)
    # Loops that ran before we came.
    for thread, loop in _running_loops():
        _adopt(loop, thread)


_variant = None
_variant_name = ""


def _set_variant(multi):
    """Write the statements of a turn: one loop at a time needs no look-up of its state."""
    global _variant, _variant_name
    if _base is None or (_variant is not None and _variant_name == ("multi" if multi else "single")):
        return
    if multi:
        begin = "_ah_turn = AH.by_thread.get(self._thread_id) or AH.one\n"
    else:
        begin = "_ah_turn = AH.one\n"
    # A turn's length is told by the clock that the next turn reads anyway (`end_time`). Only a loop that has nothing
    # ready, and so is about to wait, needs a look at the clock of its own.
    begin += (
        "if not self._ready and _ah_turn.since != 1e999:\n"
        " _ah_spent = AH.clock() - _ah_turn.since\n"
        " _ah_turn.since = 1e999\n"
        " if _ah_spent > _ah_turn.worst:\n"
        "  _ah_turn.worst = _ah_spent\n"
        "  if _ah_spent > _ah_turn.slow: AH.slow_turn(self, _ah_spent)\n"
    )
    first = splice.prepend(begin, AH)
    follow = (
        "if end_time - _ah_turn.since > _ah_turn.worst:\n"
        " _ah_turn.worst = end_time - _ah_turn.since\n"
        " if _ah_turn.worst > _ah_turn.slow: AH.slow_turn(self, _ah_turn.worst)\n"
        "_ah_turn.since = end_time\n"
        "_ah_turn.count += 1\n"
    )
    # `end_time` is the time that the turn itself takes right after its wait for events.
    second = splice.after(splice.sets("end_time"), follow, AH)
    third = splice.after(splice.sets("ntodo"), "_ah_turn.todo = ntodo", AH)
    try:
        # In one step: the second and third edit use a name that the first one makes.
        splice.exchange(_base._run_once, _variant or (), (first, second, third))
    except Exception as error:
        if _variant is not None:
            splice.unsplice(_base._run_once, *_variant)
        core.missing(_TURN, error)
        _variant = None
        return
    if _variant is None:
        core.on_remove(_TURN, _remove_variant)
    _variant = (first, second, third)
    _variant_name = "multi" if multi else "single"


def _remove_variant():
    global _variant
    edits, _variant = _variant or (), None
    if edits:
        splice.unsplice(_base._run_once, *edits)


# --- which loops --------------------------------------------------------------------------------------------------


def _kind_of(loop):
    module = type(loop).__module__.split(".")[0]
    return module if module in ("uvloop", "winloop", "asyncio") else "asyncio"


def _running_loops():
    """(thread ident, loop) of the loops that tasks tell of, where a loop knows its thread."""
    tasks = sys.modules.get("asyncio.tasks")
    found = {}
    for loop in list(getattr(tasks, "_current_tasks", None) or ()):
        found[id(loop)] = loop
    from . import _ah_tasks

    for task in _ah_tasks.all_tasks():
        loop = _ah_tasks.loop_of(task)
        if loop is not None:
            found[id(loop)] = loop
    for loop in found.values():
        try:
            if loop.is_running():
                yield getattr(loop, "_thread_id", None) or 0, loop
        except Exception:
            continue


def _adopt(loop, thread):
    address = id(loop)
    known = _loops.get(address)
    if known is not None and known.reference() is loop:
        known.thread = thread or known.thread
        known.running = True
        known.began = AH.clock()
        return known
    try:
        known = _loops[address] = Loop(loop, _kind_of(loop), thread)
    except TypeError:  # takes no weak references
        return None
    known.turn.slow = _threshold_s
    core.emit(wire.OP_LOOP_NEW, address, thread, string_id(known.kind))
    return known


def adopt(loop):
    """A loop that runs already, in whatever thread."""
    _adopt(loop, getattr(loop, "_thread_id", None) or 0)


@core.hook(_RUN)
def _started(loop):
    """A loop of asyncio's own begins to run in this thread."""
    global _multi
    known = _adopt(loop, get_ident())
    if known is None:
        return
    others = [other for other in _loops.values() if other.running and other is not known and other.kind != "uvloop"]
    AH.by_thread[known.thread] = known.turn
    if others and not _multi:
        _multi = True
        for other in others:
            AH.by_thread[other.thread] = other.turn
        _set_variant(True)
    if not _multi:
        AH.one = known.turn


@core.hook(_RUN)
def _stopped(loop):
    known = _loops.get(id(loop))
    if known is not None:
        known.running = False
        if known.block_since:
            _block_over(known)
        known.turn.since = IDLE
        if AH.by_thread.get(known.thread) is known.turn:
            del AH.by_thread[known.thread]


@core.hook(_RUN)
def _closed(loop):
    known = _loops.pop(id(loop), None)
    if known is not None:
        _tell(known)
        core.emit(wire.OP_LOOP_END, known.address)


def foreign(loop):
    """A task was born on a loop that is not asyncio's own (uvloop): watch it by what its thread runs."""
    if id(loop) not in _loops:
        _adopt(loop, get_ident())


# --- turns --------------------------------------------------------------------------------------------------------


@core.hook(_TURN)
def _slow_turn(loop, spent_s):
    known = _loops.get(id(loop))
    if known is None:
        return
    turn = known.turn
    if turn.paused == turn.count or not _by_our_clock(known, loop, spent_s):
        turn.worst = 0.0
    elif not known.block_told:
        # Slow as a whole; a single slow callback has been seen by the watch and is told as a block.
        core.emit(wire.OP_LOOP_SLOW_TURN, known.address, turn.todo, int(spent_s * 1e9))


def _by_our_clock(known, loop, spent_s):
    """Can a turn have lasted so long by our clock? The loop's `time` may be the program's own, or may have been for a while."""
    since = known.began if known.turn.since == IDLE else known.turn.since
    passed = AH.clock() - since
    return not has_own_clock(loop) and since >= known.began and passed >= 0.0 and spent_s <= passed + POLL_S_MIN


def _watch():
    """Every few milliseconds on the probe's thread: is a loop busy with one thing for too long?"""
    lively = _threshold_s >= 0.1
    for known in list(_loops.values()):
        if not known.running:
            if known.block_since:
                _block_over(known)
            continue
        if known.pulse is not None:
            lively = False
            stuck = watch_foreign(known, _threshold_s * 1e9)
            if stuck:
                _blocked(known, known.seen_since)
            elif stuck is False and known.block_since:
                _block_over(known)
        elif _variant is not None:
            busy = _busy_s(known)
            lively = lively and busy < POLL_S_MIN and known.turn.count - known.looked_turns > LIVELY
            known.looked_turns = known.turn.count
            if busy < POLL_S_MIN:
                known.seen = None
                if known.block_since:
                    _block_over(known)
                continue
            # Within the turn: since when does the same callback run?
            began = core.now() - int(busy * 1e9)
            seen = (known.turn.count, what_runs(known.thread, current_task_of(known.reference())))
            if seen != known.seen:
                if known.block_since:
                    _block_over(known)
                first = known.seen is None or known.seen[0] != seen[0]
                known.seen = seen
                known.seen_since = began if first else core.now()
            if core.now() - known.seen_since >= _threshold_s * 1e9:
                _blocked(known, known.seen_since)
    core.state.poll_s = LIVELY_POLL_S if lively else core.POLL_S


def _busy_s(known):
    """For how long the present turn has been at work; 0.0 while the loop waits."""
    turn = known.turn
    since = turn.since
    if since == IDLE:
        known.turn_number = -1
        return 0.0
    loop = known.reference()
    if not has_own_clock(loop):
        busy = AH.clock() - since
        if since >= known.began and busy >= 0.0:
            return busy
    moment = core.now()
    if turn.count != known.turn_number:
        known.turn_number, known.turn_seen = turn.count, moment
    return (moment - known.turn_seen) / 1e9


#: A turn shorter than this (seconds) is not looked into.
POLL_S_MIN = 0.005
#: Loops that made more turns than this since the last look are looked at half as often: they are not blocked, and each look
#: of ours at a busy program costs it up to a quarter of a millisecond (see `_ah_pace`).
LIVELY = 20
LIVELY_POLL_S = 0.05


def _blocked(known, began):
    """The loop is blocked since `began` (raw ns): say so, with what its thread does now."""
    loop = known.reference()
    stack = 0
    frame = sys._current_frames().get(known.thread)
    if frame is not None:
        stack = thread_stack(frame)
        if paused_at_breakpoint(frame):  # standing at a breakpoint is not blocking
            del frame
            known.turn.paused = known.turn.count
            known.seen_since = core.now()
            known.block_since = 0
            return
        del frame
    task = current_task_of(loop) if loop is not None else None
    known.block_since = began
    known.block_task = 0 if task is None else id(task)
    known.block_stack = stack or known.block_stack
    known.block_told = True
    tell_block(wire.OP_LOOP_BLOCK, known.address, known.block_task, core.now() - began, known.block_stack)


def _block_over(known):
    since, known.block_since = known.block_since, 0
    if not since:
        return  # the loop's own thread and the probe's saw its end at once
    total = max(0, core.now() - since)
    worst = int(known.turn.worst * 1e9)
    if worst and known.pulse is None and not has_own_clock(known.reference()):
        total = min(total, max(worst, 0)) or total
    tell_block(wire.OP_LOOP_BLOCK_END, known.address, known.block_task, total, known.block_stack)
    known.block_stack = 0


# --- what is told each tick ---------------------------------------------------------------------------------------


def _tell(known):
    if known.pulse is not None:
        _tell_foreign(known)
        return
    turn = known.turn
    worst, turn.worst = turn.worst, 0.0
    since = turn.since
    if turn.paused != turn.count:
        worst = max(worst, AH.clock() - since)
    loop = known.reference()
    worst = 0.0 if has_own_clock(loop) else worst  # seconds of that clock are not seconds
    ready = getattr(loop, "_ready", None)
    try:
        length = len(ready)
    except TypeError:
        length = 0
    if turn.count != known.told_turns or worst or length:
        known.told_turns = turn.count
        core.emit(wire.OP_LOOP_STAT, known.address, turn.count, int(worst * 1e9), length)
    if not known.block_since:
        known.block_told = False


def _tell_foreign(known):
    """Lag alone: -1 says that turns and ready callbacks cannot be known."""
    loop = known.reference()
    worst = known.pulse.take_worst_ns()
    if loop is not None and loop.is_running():
        core.emit(wire.OP_LOOP_STAT, known.address, -1, worst, -1)
    if not known.block_since:
        if worst >= _threshold_s * 1e9 and not known.block_told and known.pulse.pending is None:
            core.emit(wire.OP_LOOP_SLOW_TURN, known.address, 0, worst)
        known.block_told = False


def _tick():
    for address, known in list(_loops.items()):
        loop = known.reference()
        if known.block_since and (loop is None or not loop.is_running()):
            _block_over(known)
        if loop is None:
            _loops.pop(address, None)
            core.emit(wire.OP_LOOP_END, address)
        elif known.running:
            _tell(known)


def _sync():
    for known in list(_loops.values()):
        if known.reference() is not None:
            core.emit(wire.OP_LOOP_NEW, known.address, known.thread, string_id(known.kind))
            known.told_turns = -1


def _forget():
    """A forked child keeps the loop objects but runs none of them until it says so."""
    for known in list(_loops.values()):
        known.block_since = known.block_stack = 0
        if known.pulse is not None:
            known.pulse.pending = None
        if core.state.pid != known_pid():
            known.running = False


_pid = 0


def known_pid():
    """Pid at the last call, then the present one: tells a fork apart from a new listener."""
    global _pid
    before, _pid = _pid or core.state.pid, core.state.pid
    return before
