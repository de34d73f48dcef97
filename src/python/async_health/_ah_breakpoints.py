"""Breakpoints that are set while coroutines are suspended.

With sys.monitoring (CPython 3.12 and later) pydevd looks for a function's breakpoints when the function starts, and when
breakpoints change once more at the frames on the threads' stacks. A suspended coroutine is on no stack, so in one that
runs for good (`while True: await ...`) a new breakpoint would never be met. pydevd has the interpreter tell when something
resumes, but listens to that no longer; here is a listener. It is called once per place after each change of breakpoints.
"""

import sys
from _thread import get_ident

from . import _ah_core as core
from . import _ah_pydevd as pydevd

_HOOK = "breakpoints.resume"
#: The PyDB whose `on_breakpoints_changed` is wrapped.
_asked_of = None


def install(_options):
    core.on_start(_hook)
    _hook()


def _hook():
    global _asked_of
    py_db = pydevd.db()
    if py_db is None or py_db is _asked_of or not pydevd.uses_monitoring():
        return
    tracing = sys.modules.get("_pydevd_sys_monitoring.pydevd_sys_monitoring")
    changed = getattr(py_db, "on_breakpoints_changed", None)
    enable = getattr(tracing, "enable_code_tracing", None)
    if changed is None or enable is None:
        core.missing(_HOOK, "this debugpy has other names for its breakpoints")
        return
    _asked_of = py_db
    monitoring = sys.monitoring
    tool = monitoring.DEBUGGER_ID
    done = monitoring.DISABLE

    def ah_resumed(code, _offset):
        try:
            # A step ends where pydevd first sees a line of the frame it is aimed at: it is to see none before its time.
            if pydevd.is_stepping() and not pydevd.has_breakpoint(code):
                return None
            enable(get_ident(), code, sys._getframe(1))
        except Exception as error:
            core.fail(_HOOK, error)
        return done

    def listen():
        if monitoring.get_tool(tool) == "pydevd" and not core.hooks[_HOOK].removed:
            monitoring.register_callback(tool, monitoring.events.PY_RESUME, ah_resumed)

    def ah_on_breakpoints_changed(removed=False):
        # Before pydevd has all events told again; it takes the listener out when there are no breakpoints left.
        if not removed:
            listen()
        changed(removed=removed)

    def listen_late():
        # On an attach breakpoints come before pydevd begins to trace.
        if py_db is pydevd.db() and any(py_db.breakpoints.values()):
            listen()

    def undo():
        if vars(py_db).get("on_breakpoints_changed") is ah_on_breakpoints_changed:
            py_db.on_breakpoints_changed = changed
        if monitoring.get_tool(tool) == "pydevd":
            monitoring.register_callback(tool, monitoring.events.PY_RESUME, None)

    core.on_remove(_HOOK, undo)
    core.on_tick(listen_late)
    py_db.on_breakpoints_changed = ah_on_breakpoints_changed
