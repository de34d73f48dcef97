"""Stops of threads in pydevd: hooks before and after a thread waits, what goes along with a `stopped`, and stopping by hand.

The rest of what touches pydevd's private names is in `_ah_pydevd`.
"""

import json
import sys
import threading

from . import _ah_pydevd as pydevd

#: Of what we add to the body of a `stopped` event.
STOP_KEY = "asyncHealth"


class StopHooks(object):
    """
    Ours around ``PyDB.set_suspend`` and ``PyDB.do_wait_suspend``, on the instance, and around what makes the client's `stopped`.

    ``allow(thread)``: asked, on the stopping thread, before a *step* ends; False = this is not the place, run on (allow has aimed
    the step anew). ``stopped(thread, frame)`` just before a thread waits; ``tell(thread, key)`` once debugpy serves its frames: a
    dict that goes along in the body of `stopped`, or None; ``resumed(thread, frame, traceback)`` just after it has waited
    (`traceback`: of the exception it stopped at).
    A hook that throws counts as not there. The wrappers cost nothing while no stop is near: pydevd only calls them to stop.
    """

    def __init__(self, allow, stopped, tell, resumed, failed):
        self._allow = allow
        self._stopped = stopped
        self._tell = tell
        self._resumed = resumed
        self._failed = failed
        self._passing = {}
        #: thread ident -> mark of the newest wait of that thread.
        self._waits = {}
        self._installed_on = None

    def install(self):
        """Idempotent; a new PyDB (after a re-attach in a fork) is wrapped as well."""
        py_db = pydevd.need_db()
        self._tell_with_stops(py_db.cmd_factory)  # each connection of a debugger makes a new one
        if self._installed_on is py_db:
            return
        self._installed_on = py_db
        set_suspend = py_db.set_suspend
        do_wait_suspend = py_db.do_wait_suspend
        passing = self._passing
        waits = self._waits
        failed = self._failed

        def ah_set_suspend(thread, stop_reason, *args, **kwargs):
            if stop_reason in pydevd.STEP_COMMANDS and threading.get_ident() == thread.ident:
                try:
                    if self._allow(thread) is False:
                        passing[thread.ident] = True
                        return None
                except Exception as error:
                    failed("step filter", error)
            return set_suspend(thread, stop_reason, *args, **kwargs)

        def ah_do_wait_suspend(thread, frame, event, arg, *args, **kwargs):
            if passing and passing.pop(thread.ident, False):
                return None
            mark = waits[thread.ident] = object()
            try:
                self._stopped(thread, frame)
            except Exception as error:
                failed("stop hook", error)
            result = do_wait_suspend(thread, frame, event, arg, *args, **kwargs)
            if waits.pop(thread.ident, None) is not mark:
                return result  # it has waited once more at another line ("set next statement"), and that wait's end was told
            try:
                raised = arg[2] if event == "exception" and arg is not None else None
                self._resumed(thread, frame, raised)
            except Exception as error:
                failed("resume hook", error)
            return result

        _wake_all_at_once(py_db)
        py_db.set_suspend = ah_set_suspend
        py_db.do_wait_suspend = ah_do_wait_suspend

    def _tell_with_stops(self, factory):
        make = getattr(factory, "make_thread_suspend_single_notification", None)
        if make is None or hasattr(make, "ah_tells"):
            return

        def ah_stopped(py_db, key, thread, *args, **kwargs):
            command = make(py_db, key, thread, *args, **kwargs)
            try:
                told = self._tell(thread, key)
                if told is not None:
                    # As text: debugpy's adapter makes and checks an object of its own for each part of a message.
                    _add_to_body(command, STOP_KEY, json.dumps(told, separators=(",", ":")))
            except Exception as error:
                self._failed("telling of a stop", error)
            return command

        ah_stopped.ah_tells = True
        factory.make_thread_suspend_single_notification = ah_stopped


def _add_to_body(command, name, value):
    """Adds to the body of an event that is about to be sent; nothing where pydevd's commands are others."""
    event = getattr(command, "as_dict", None)
    if not isinstance(event, dict) or not isinstance(getattr(command, "_as_bytes", None), bytes):
        return
    body = dict(event.get("body") or {})
    body[name] = value
    command._as_bytes = json.dumps(dict(event, body=body)).encode("utf-8")
    event["body"] = body


def _wake_all_at_once(py_db):
    """
    pydevd tells a thread to run by its event, but sets that of whichever thread comes last in a set (a loop variable hides the one
    that is meant): with two or more, one of them maybe ours, a step or continue began up to 200 ms late. So one sets them all;
    who wakes for nothing looks once and waits on.
    """
    events = getattr(py_db, "_thread_events", None)
    plain = getattr(events, "default_factory", None)
    if plain is None or hasattr(plain, "ah_wakes_all"):
        return  # another pydevd (late, but right), or done in the probe's life before
    set_one = plain.set

    class ThreadEvent(plain):
        ah_wakes_all = True

        def set(self):
            for event in [self, *events.values()]:
                set_one(event)

    for event in list(events.values()):
        if type(event) is plain:
            event.__class__ = ThreadEvent
    events.default_factory = ThreadEvent


def suspend_here(frame, reason=pydevd.CMD_SET_BREAK):
    """
    Stops the calling thread in the debugger at once, showing `frame` as its leaf; returns when the user resumes.
    For use by hooks that run inside the user's code. What the step buttons then do starts from `frame`.
    """
    py_db = pydevd.need_db()
    thread = threading.current_thread()
    info = pydevd.thread_info(thread)
    if getattr(thread, "pydev_do_not_trace", False):
        raise pydevd.Unsupported("this thread is hidden from the debugger")
    if info.is_tracing or info.pydev_state == pydevd.STATE_SUSPEND:
        raise pydevd.Unsupported("the thread is stopping already")
    py_db.set_suspend(thread, reason)
    wait_here(frame)


def is_pause_requested(thread):
    """Whether the thread is to stop at its next line."""
    return pydevd.thread_info(thread).pydev_state == pydevd.STATE_SUSPEND


def wait_here(frame):
    """
    As :func:`suspend_here`, for a thread that was already told to stop (a `pause` of the client).

    pydevd waits inside a trace callback, where nothing is traced; here tracing is switched off by hand meanwhile, or what the user
    evaluates on this thread would stop once more.
    """
    py_db = pydevd.need_db()
    thread = threading.current_thread()
    resume = _trace_off(thread)
    try:
        if pydevd.uses_monitoring():
            pydevd.thread_info(thread).trace_suspend_type = "sys_monitor"
        py_db.do_wait_suspend(thread, frame, "line", None)
    finally:
        resume()


def _trace_off(thread):
    """Switches tracing of the calling thread off; returns what switches it on again."""
    if pydevd.uses_monitoring():
        monitoring = pydevd.module("_pydevd_sys_monitoring.pydevd_sys_monitoring")
        suspend = getattr(monitoring, "suspend_current_thread_tracing", None)
        if suspend is None or not suspend():
            return lambda: None
        return monitoring.resume_current_thread_tracing
    traced_by = sys.gettrace()
    if traced_by is None:
        return lambda: None
    pydevd.set_trace(None)
    return lambda: pydevd.set_trace(traced_by)
