"""Stopping the program: at the moment of a violation, in the offending frame; and on `pause` while its loops are idle.

RPCs: `stop.codes` (which findings stop), `stop.wake` (after a `pause` of the client). Before a stop the request `violation` tells the
adapter what happened, in order before debugpy's `stopped`.
"""

import os
import sys
import threading

from . import _ah_awaiters as awaiters
from . import _ah_core as core
from . import _ah_pydevd as pydevd
from . import _ah_pydevd_stops as stops

#: Codes of findings at which to stop.
_codes = frozenset()
_registered = None
_here = threading.local()


def install(options):
    core.on_start(_again)


def _again():
    _set_codes(())


@core.rpc("stop.codes")
def stop_codes(params):
    """`{codes: [...]}`: stop at these violations from now on; none = never. Costs nothing while there are none."""
    pydevd.need_db()
    _set_codes(params.get("codes") or ())
    return {"codes": sorted(_codes)}


def _set_codes(codes):
    global _codes, _registered
    _codes = frozenset(codes)
    if _codes and _registered is None:
        core.on_violation(_violated)
        _registered = core.violation_callbacks[-1]
    elif not _codes and _registered is not None:
        if _registered in core.violation_callbacks:
            core.violation_callbacks.remove(_registered)
        _registered = None


def _violated(code, frame, info):
    """In the offending thread, inside the call that went wrong."""
    if code not in _codes or getattr(_here, "stopping", False) or pydevd.db() is None:
        return
    frame = _visible_from(frame if frame is not None else sys._getframe(1))
    if frame is None:
        return
    _here.stopping = True  # what runs while stopped (evaluate) must not stop again
    try:
        plain = dict((key, value) for key, value in info.items() if isinstance(value, (str, int, float, bool)))
        plain.update(
            code=code,
            file=os.path.abspath(frame.f_code.co_filename),
            line=frame.f_lineno,
            function=frame.f_code.co_name,
            threadId=pydevd.dap_thread_id(threading.current_thread()),
        )
        if core.ask_adapter("violation", plain):
            stops.suspend_here(frame)
    except pydevd.Unsupported:
        pass
    finally:
        _here.stopping = False


def _visible_from(frame):
    """The nearest frame that debugpy shows, from `frame` outwards."""
    while frame is not None:
        if pydevd.is_visible(frame):
            return frame
        frame = frame.f_back
    return None


# --- pause -------------------------------------------------------------------------------------------------------------


@core.rpc("stop.wake")
def stop_wake(params):
    """
    The client has asked to pause. A loop that waits for its next event runs no line at which debugpy could stop it, so each one is
    given a callback that goes and waits in the debugger. A loop that is busy is stopped by debugpy itself.
    """
    woken = 0
    for loop in awaiters.running_loops():
        try:
            loop.call_soon_threadsafe(_pause_here)
            woken += 1
        except RuntimeError:  # closed meanwhile
            continue
    for runner, _ident, _task in awaiters.trio_runs():
        try:
            runner.entry_queue.run_sync_soon(_pause_here)
            woken += 1
        except Exception:
            continue
    return {"woken": woken}


def _pause_here():
    try:
        thread = threading.current_thread()
        if pydevd.db() is None or not stops.is_pause_requested(thread):
            return
        frame = sys._getframe(1)
        stops.wait_here(_visible_from(frame) or frame)
    except Exception as error:
        core.note({"kind": "message", "level": "warning", "text": "pause: %s" % core._describe(error)})
