"""Steps that pydevd would lose: it forgets a step over when a coroutine's frame is left by an exception.

What is here is in place only while a step runs: with sys.monitoring a tool of our own, with sys.settrace a trace function around pydevd's.
It has the thread stop at the next visible line; the step's plan (`_ah_step`) narrows that to the task.
"""

import opcode
import sys
import threading

from . import _ah_pydevd as pydevd

_plans = {}
_owner_failed = None
_failed = None
_unwind_tool = None


def install(plans, owner_failed, failed):
    """`plans`: thread ident -> the plan of the step that runs; `owner_failed(task)`; `failed(what, error)` reports a fault of ours."""
    global _plans, _owner_failed, _failed
    _plans, _owner_failed, _failed = plans, owner_failed, failed


_RETURNS = frozenset(
    code for name, code in opcode.opmap.items() if name.startswith("RETURN_") and name != "RETURN_GENERATOR"
)


def is_returning(frame):
    """Whether a frame is at a return instruction."""
    return frame.f_code.co_code[frame.f_lasti] in _RETURNS


def watch(on):
    """
    pydevd forgets a step when a coroutine's frame is left by an exception. Something of our own, there only while a step runs (a
    tool of sys.monitoring, or a trace function around pydevd's), then has it stop at the next visible line; the plan narrows
    that to the task.
    """
    global _unwind_tool
    if not pydevd.uses_monitoring():
        ident = threading.get_ident()
        plan = _plans.get(ident)
        _watch_failures(on)
        if on and plan is not None and plan.kind == "next":
            _watch_exits(lambda: _plans.get(ident) is plan, _left, plan.floors[1:])
        return
    monitoring = sys.monitoring
    if on and _unwind_tool is None:
        for tool in (4, 3):
            if monitoring.get_tool(tool) is None:
                try:
                    monitoring.use_tool_id(tool, "async-health")
                except ValueError:
                    continue
                _unwind_tool = tool
                monitoring.register_callback(tool, monitoring.events.PY_UNWIND, _unwinding)
                monitoring.set_events(tool, monitoring.events.PY_UNWIND)
                return
    elif not on and _unwind_tool is not None:
        tool, _unwind_tool = _unwind_tool, None
        monitoring.set_events(tool, 0)
        monitoring.register_callback(tool, monitoring.events.PY_UNWIND, None)
        monitoring.free_tool_id(tool)


def _unwinding(code, offset, error):
    plan = _plans.get(threading.get_ident())
    if plan is None:
        return
    try:
        thread = threading.current_thread()
        frame = sys._getframe(1)
        if pydevd.thread_info(thread).pydev_step_stop is frame:
            pydevd.step_into_any(thread, frame.f_back)
    except Exception as problem:
        _failed("unwinding", problem)


def _watch_failures(on):
    """
    Where a task fails or is cancelled, its frame has no caller to be noticed in: the probe's own hook on tasks' ends tells, before the
    awaiter goes on.
    In place only while a step runs, and only under sys.settrace.
    """
    hooks = sys.modules.get("%s._ah_tasks" % __package__)
    for name in ("_failed", "_cancelled"):
        present = getattr(hooks, name, None)
        original = getattr(present, "ah_original", None)
        if present is None or on is (original is not None):
            continue
        setattr(hooks, name, _telling(present) if on else original)


def _telling(present):
    def ended(task, *args):
        present(task, *args)
        try:
            _owner_failed(task)
        except Exception as error:
            _failed("step out of a failed task", error)

    ended.ah_original = present
    return ended


def _left(frame):
    pydevd.step_into_any(threading.current_thread(), frame)


def _watch_exits(active, exited, callers):
    """
    Calls `exited(frame)` on the calling thread when the frame of a step over is left by an exception, as long as `active()`.
    `callers`: the frames below it; an exception that arrives in one of them says the same.

    For sys.settrace, where pydevd takes that for a mere pause of a coroutine and forgets the step. Costs each call in this thread
    a Python-level call while a step runs, nothing afterwards.
    """
    thread = threading.current_thread()
    info = pydevd.thread_info(thread)
    set_trace = pydevd.set_trace
    pydevds = sys.gettrace()
    pydevds = getattr(pydevds, "ah_pydevds", pydevds)  # of the step before, when nothing was called since
    if pydevds is None:
        return

    def around(local):
        state = [local, False]

        def ah_local(frame, event, arg):
            if event == "exception":
                state[1] = True
            elif event == "line":
                state[1] = False
            elif event == "return" and state[1] and arg is None and info.pydev_step_stop is frame and active():
                state[1] = False
                exited(frame)
            result = state[0](frame, event, arg)
            if result is None:
                return None
            state[0] = result
            return ah_local

        return ah_local

    def around_caller(local):
        state = [local]

        def ah_caller(frame, event, arg):
            if event == "exception" and active():
                stop = info.pydev_step_stop
                if stop is not None and stop is not frame and any(stop is other for other in watched):
                    exited(frame)
            result = state[0](frame, event, arg)
            if result is None:
                return None
            state[0] = result
            return ah_caller

        return ah_caller

    def ah_tracer(frame, event, arg):
        if not active():
            set_trace(pydevds)
            return pydevds(frame, event, arg)
        local = pydevds(frame, event, arg)
        if local is None:
            return None
        if info.pydev_step_stop is frame:
            return around(local)
        return around_caller(local) if any(frame is caller for caller in callers) else local

    # The frame's own trace function is in use right now and will be put back by the interpreter, so its callers' are taken.
    watched = [info.pydev_step_stop] + list(callers)
    for caller in callers:
        if caller.f_trace is not None:
            caller.f_trace = around_caller(caller.f_trace)
    ah_tracer.ah_pydevds = pydevds
    set_trace(ah_tracer)
