"""Loops that are not asyncio's own (uvloop, winloop): how late they are, and what blocks them.

Their turns are made in C and cannot be counted. What can be known is how long a callback waits for its turn: the probe's
thread has the loop call one of its own, some times a second and only while the loop runs (`call_soon_threadsafe`, the one
thing a loop allows from outside, and it keeps no loop from ending). A beat that does not come back, while the loop's
thread stays in the same step of a task or in the same callback, is a block.
"""

import contextvars
import sys
from _thread import get_ident

from . import _ah_core as core
from ._ah_clock import clock as pauses
from ._ah_loop_stacks import current_task_of

_HOOK = "loop.beat"
core.on_remove(_HOOK, lambda: None)
#: Rest between two beats, ns. Each wakes the loop if it sleeps.
_REST_NS = 50_000_000
#: A loop that goes on answers sooner, ns.
_OVERDUE_NS = 20_000_000


class _Beat:
    """One callback of ours on its way through the loop. Refers to nothing of the program."""

    __slots__ = ("pulse", "sent")

    def __init__(self, pulse):
        self.pulse = pulse
        self.sent = core.now()

    def __call__(self):
        try:
            self.pulse.arrived(self, sys._getframe(1))
        except Exception as error:
            core.fail(_HOOK, error)

    def __repr__(self):
        return "<async_health loop beat>"


class Pulse:
    """The beats of one loop."""

    def __init__(self):
        #: The beat that is under way.
        self.pending = None
        #: Raw ns when the last one arrived.
        self.answered = 0
        self.worst_ns = 0
        self.thread = 0
        #: Code of the frame that calls the loop's callbacks: `Handle._run`, or for a loop in C what called `run_forever`.
        self.base = None
        # A context cannot be entered in two threads at once, so each loop has its own; the program's is none of ours.
        self.context = contextvars.Context()

    def arrived(self, beat, frame):
        """A beat, in the loop's thread."""
        moment = core.now()
        if beat is self.pending:
            self.pending = None
            self.worst_ns = max(self.worst_ns, moment - beat.sent)
        self.answered = moment
        self.thread = get_ident()
        self.base = None if frame is None else frame.f_code

    def beat(self, loop):
        """Send the next one when it is time; on the probe's thread. False when the loop does not run."""
        if core.hooks[_HOOK].removed:
            return False
        try:
            if not loop.is_running() or loop.is_closed():
                self.pending = None
                return False
            if self.pending is None and core.now() - self.answered >= _REST_NS:
                self.pending = _Beat(self)
                loop.call_soon_threadsafe(self.pending, context=self.context)
        except RuntimeError:  # it was closed in between
            self.pending = None
            return False
        return True

    def take_worst_ns(self):
        """Longest wait of a beat since the last call, that of one under way included."""
        worst, self.worst_ns = self.worst_ns, 0
        pending = self.pending
        return worst if pending is None or pauses.paused else max(worst, core.now() - pending.sent)

    def overdue(self):
        """Has a beat been under way for longer than a loop needs that goes on?"""
        pending = self.pending
        return pending is not None and core.now() - pending.sent >= _OVERDUE_NS

    def resumed(self):
        """The debugger let the program go on: how long it stood says nothing."""
        if self.pending is not None:
            self.pending.sent = core.now()

    def what_runs(self, task):
        """Something that stays the same while one step or callback of the loop runs; None when nothing does."""
        frame = sys._current_frames().get(self.thread)
        if frame is None or self.base is None:
            return None
        if task is not None:
            body = getattr(getattr(task, "_coro", None), "cr_frame", None)
            # The outermost frame of the step moves only when the step ends.
            return (id(task), getattr(body, "f_lasti", 0))
        # A callback stands right above the frame that called ours. Without that frame (a loop in Python that waits in its
        # selector), or with nothing above it (one in C that waits), none runs.
        above = None
        while frame is not None and frame.f_code is not self.base:
            above, frame = frame, frame.f_back
        return None if frame is None or above is None else (0, id(above.f_code))


def watch(known, threshold_ns):
    """Is this loop (an `_ah_loop.Loop` with a pulse) blocked? True, False (it goes on, or does not run), None: not for long enough."""
    loop = known.reference()
    pulse = known.pulse
    if loop is None or not pulse.beat(loop):
        return False
    if pulse.thread:
        known.thread = pulse.thread
    seen = pulse.what_runs(current_task_of(loop))
    now = core.now()
    # A beat that came through shows that the loop went on, though the same task may be at the same place again.
    if seen is None or seen != known.seen or pulse.answered > known.seen_since:
        known.seen = seen
        known.seen_since = now
        return False
    return True if now - known.seen_since >= threshold_ns and pulse.overdue() else None
