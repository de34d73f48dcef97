"""Time stands still for event loops while the program is paused in the debugger.

At a stop the loops' clock is frozen; at the resume it goes on from there, so timeouts and `call_later` fire as late after
their start as if nobody had stopped. The pause is measured in the suspended thread itself, around the debugger's own wait;
where that cannot be hooked, the adapter's requests `paused` and `resumed` mark it.

Until the first pause nothing is changed at all. asyncio: `BaseEventLoop.time` (loops with a clock of their own, such as
uvloop's, stay as they are). trio: the offset of its system clock is moved at the resume.
"""

import sys
import threading
import time

from . import _ah_core as core
from . import _ah_splice as splice

HOOK = "clock"

monotonic = time.monotonic


class PauseClock:
    """Seconds of `time.monotonic` less all pauses. Pauses of several threads count once where they overlap."""

    def __init__(self):
        self.offset = 0.0
        self.paused_at = None
        self._depth = 0
        self._lock = threading.Lock()
        #: `resumed(seconds)` after each pause
        self.listeners = []

    def time(self):
        """What the loops take for the time."""
        paused_at = self.paused_at
        return (monotonic() if paused_at is None else paused_at) - self.offset

    def pause(self):
        """A thread stops."""
        with self._lock:
            self._depth += 1
            if self._depth == 1:
                self.paused_at = monotonic()

    def resume(self):
        """That thread goes on."""
        with self._lock:
            if self._depth == 0:
                return
            self._depth -= 1
            if self._depth:
                return
            paused_at = self.paused_at
            seconds = monotonic() - paused_at
            # In this order a reader in between sees at worst the frozen time a moment longer.
            self.offset += seconds
            self.paused_at = None
        for listener in self.listeners:
            try:
                listener(seconds)
            except Exception:  # we stand in the debugger's own callback: it must never see an error of ours
                core.fail(HOOK)

    @property
    def paused(self):
        return self._depth > 0


clock = PauseClock()


class _State:
    enabled = True
    #: The debugger's own wait is hooked, so the adapter's requests have nothing to add.
    exact = False
    #: The loops' clock is ours.
    in_place = False
    #: Between the adapter's `paused` and `resumed`.
    by_request = False


state = _State()


def _put_in_place():
    """Replace asyncio's clock; called at the first pause."""
    if state.in_place:
        return
    base = sys.modules.get("asyncio.base_events")
    if base is None:
        return
    state.in_place = True
    if not splice.apply(HOOK, base.BaseEventLoop.time, splice.prepend("return AH.time()", clock)):

        def loop_time(self):
            return clock.time()

        core.patch(base.BaseEventLoop, "time", loop_time, HOOK)


def has_own_clock(loop):
    """Does the loop measure time by another clock than asyncio's own (a test's, a simulation's, uvloop's)?"""
    base = sys.modules.get("asyncio.base_events")
    if loop is None or base is None:
        return False
    # Never through the loop's `__dict__`: asking for it once makes every later attribute access of the loop slower (3.11+:
    # its values move from the object into a dictionary; measured +450 ns a turn).
    return getattr(loop.time, "__func__", None) is not base.BaseEventLoop.time


def _begin():
    if state.enabled:
        _put_in_place()
        clock.pause()
        return True
    return False


def _shift_trio(seconds):
    trio_tasks = sys.modules.get("%s._ah_trio" % __package__)
    if trio_tasks is None:
        return
    for run in list(trio_tasks.runs.values()):
        runner = run.ref()
        own_clock = getattr(runner, "clock", None)
        if type(own_clock).__name__ == "SystemClock" and hasattr(own_clock, "offset"):
            object.__setattr__(own_clock, "offset", own_clock.offset - seconds)  # frozen attrs class in newer trio


clock.listeners.append(_shift_trio)


def _hook_debugger():
    """Measure each stop in the thread that stops. pydevd's name; False where it is not as expected."""
    pydevd = sys.modules.get("pydevd")
    debugger = getattr(pydevd, "PyDB", None)
    original = getattr(debugger, "do_wait_suspend", None)
    if original is None:
        return False

    def do_wait_suspend(self, *args, **kwargs):
        begun = False
        try:
            begun = _begin()
        except Exception:
            core.fail(HOOK)
        try:
            return original(self, *args, **kwargs)
        finally:
            if begun:
                clock.resume()

    core.patch(debugger, "do_wait_suspend", do_wait_suspend, HOOK)
    return True


@core.rpc("paused")
def _paused(params):
    """The adapter saw the program stop. Answers whether the probe measures by itself."""
    if not state.exact and not state.by_request and state.enabled:
        state.by_request = True
        _begin()
    return {"exact": state.exact, "enabled": state.enabled}


@core.rpc("resumed")
def _resumed(params):
    """The adapter lets the program go on."""
    if state.by_request:
        state.by_request = False
        clock.resume()
    return {"exact": state.exact, "offsetMs": clock.offset * 1000.0}


@core.rpc("freezeTime")
def _freeze_time(params):
    """Switch it on or off while running: {enabled}."""
    state.enabled = bool(params.get("enabled"))
    return {"enabled": state.enabled}


def _detached():
    """A new life of the probe: no request of an earlier adapter can be waited for."""
    if state.by_request:
        state.by_request = False
        clock.resume()


def install(options):
    """Wait for the first pause. Option `freezeTimeWhilePaused` (default true)."""
    state.enabled = options.get("freezeTimeWhilePaused", True) is not False
    core.on_start(_detached)
    state.exact = _hook_debugger()
