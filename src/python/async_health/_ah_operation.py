"""`AsyncDebugger`: named operations of the program that a debugger follows, with breakpoints of their own.

With a debugger, `debug_async_operation` runs a coroutine in its own task (or its own loop in a thread) with a copied
context, asks the adapter to set the operation's breakpoints first and to take them away after. Without one it is a plain
`await`. The adapter's requests and events:

| method | params | answer |
| --- | --- | --- |
| `operationBegin` | id, name, isolation, metadata, breakpoints: [{file, line, condition?, hitCount?, logMessage?}] | anything, when the breakpoints are set |
| `operationEnd` | id, name, state ('end', 'failed'), error? | - |
| `setBreakpoint` | id, file, line, condition?, hitCount?, logMessage? | {verified, line?, message?} |
| `removeBreakpoint` | id | - |
| `continue` | - | - |
| `report` | format | text |

Breakpoints of an operation are to stop only where `async_health._in_operation(id)` is true.
The adapter may call `programEvent {type, data}`; handlers registered for that type (or '*') get it.
"""

import asyncio
import contextlib
import itertools
import os
import sys
import threading
import time

from . import _ah_core as core
from . import _ah_isolation as isolation_of
from ._ah_events import EventHandlers
from ._ah_isolation import in_operation  # noqa: F401  (used by the package)

#: How long to wait for the adapter before running on without it.
ASK_TIMEOUT_S = 2.0
#: Finished operations kept for statistics and reports, per debugger.
HISTORY = 200
#: Events kept per operation.
EVENTS = 100

_numbers = itertools.count(1)
_debuggers = []  # weak references to all AsyncDebuggers


class ProgramBreakpoint:
    """A breakpoint that the program set. `verified` is None until the adapter has answered (or when there is none)."""

    def __init__(self, number, file, line, condition=None, hit_count=None, log_message=None):
        self.id = number
        self.file = file
        self.line = line
        self.condition = condition
        self.hit_count = hit_count
        self.log_message = log_message
        self.verified = None
        self.message = None
        self.removed = False

    def as_params(self):
        """The wire's form: {id, file, line, condition?, hitCount?, logMessage?}."""
        params = {"id": self.id, "file": self.file, "line": self.line}
        if self.condition is not None:
            params["condition"] = self.condition
        if self.hit_count is not None:
            params["hitCount"] = self.hit_count
        if self.log_message is not None:
            params["logMessage"] = self.log_message
        return params

    def __repr__(self):
        return "<ProgramBreakpoint %s %s:%d>" % (self.id, self.file, self.line)


def make_breakpoint(file, line, condition=None, hit_count=None, log_message=None):
    """Checks the parts; raises TypeError or ValueError with what to give instead."""
    if not isinstance(file, (str, bytes)) and not hasattr(file, "__fspath__"):
        raise TypeError("file must be a path, not %r; give for example __file__" % (file,))
    if isinstance(line, bool) or not isinstance(line, int) or line < 1:
        raise ValueError("line must be a line number from 1, not %r" % (line,))
    for name, value in (("condition", condition), ("log_message", log_message)):
        if value is not None and not isinstance(value, str):
            raise TypeError("%s must be text, not %r" % (name, value))
    if hit_count is not None:
        hit_count = str(hit_count)  # "3", ">= 3", "% 2": the debugger's own forms
    return ProgramBreakpoint(
        "p%d" % next(_numbers), os.path.abspath(os.fsdecode(file)), line, condition, hit_count, log_message
    )


def _breakpoint_from(given):
    """A breakpoint from a ProgramBreakpoint, a (file, line[, condition]) tuple, or a dict with those keys."""
    if isinstance(given, ProgramBreakpoint):
        return given
    if isinstance(given, dict):
        known = {"file", "line", "condition", "hit_count", "hitCount", "log_message", "logMessage"}
        unknown = set(given) - known
        if unknown or not {"file", "line"} <= set(given):
            raise ValueError(
                "a breakpoint needs file and line, and may have condition, hit_count, log_message; got %s"
                % sorted(given)
            )
        return make_breakpoint(
            given["file"],
            given["line"],
            given.get("condition"),
            given.get("hit_count", given.get("hitCount")),
            given.get("log_message", given.get("logMessage")),
        )
    if isinstance(given, (tuple, list)) and 2 <= len(given) <= 5:
        return make_breakpoint(*given)
    raise TypeError("a breakpoint is (file, line[, condition]), a dict, or a ProgramBreakpoint, not %r" % (given,))


class Operation:
    """One `debug_async_operation` (a DebugSession in the adapter). Times in seconds since 1970."""

    def __init__(self, name, breakpoints, metadata, isolation):
        self.id = "op-%d-%d" % (os.getpid(), next(_numbers))
        self.name = name
        self.breakpoints = breakpoints
        self.metadata = metadata
        self.isolation = isolation
        self.started = time.time()
        self.ended = None
        #: 'running', 'finished', 'failed' or 'cancelled'
        self.state = "running"
        self.error = None
        self.task = 0
        self.events = []
        self.cancel = None  # a callable while it can be cancelled

    def record(self, kind, **data):
        if len(self.events) < EVENTS:
            self.events.append(dict(data, type=kind, time=time.time()))

    def info(self):
        """All about it, as plain values."""
        return {
            "id": self.id,
            "name": self.name,
            "state": self.state,
            "active": self.ended is None,
            "isolation": self.isolation,
            "started": self.started,
            "ended": self.ended,
            "duration": (self.ended or time.time()) - self.started,
            "error": self.error,
            "metadata": dict(self.metadata),
            "breakpoints": [one.as_params() for one in self.breakpoints],
            "events": list(self.events),
        }


class AsyncDebugger:
    """The program's side of the debugger; every method works (as next to nothing) without one.

    `async with AsyncDebugger() as debugger:` closes what is left at the end. Instances share nothing.
    """

    def __init__(self):
        self._active = {}
        self._finished = []
        self._breakpoints = {}
        self._handlers = EventHandlers()
        self._counts = {"started": 0, "finished": 0, "failed": 0, "cancelled": 0}
        self._lock = threading.Lock()
        import weakref

        _debuggers[:] = [ref for ref in _debuggers if ref() is not None] + [weakref.ref(self)]

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exc):
        self.close_all_sessions()

    # --- operations ---------------------------------------------------------------------------------------------------

    async def debug_async_operation(self, name, coro, breakpoints=None, *, isolation="task", metadata=None):
        """Run `coro` (a coroutine, other awaitable, or a function that gives one) as a named debug session.

        Returns its result or raises its exception unchanged. `breakpoints` stop only inside this operation.
        `isolation`: 'task' (own task, copied context: cancel scopes and context variables stay inside) or 'loop' (an
        event loop of its own in a worker thread). Cancelling the caller cancels the operation.
        """
        if not core.state.live:
            return await isolation_of.awaitable_of(coro, isolation)
        try:
            isolation_of.check(coro, isolation)
            points = [_breakpoint_from(one) for one in breakpoints or ()]
            operation = Operation(str(name), points, dict(metadata or {}), isolation)
        except BaseException:
            isolation_of.discard(coro)
            raise
        with self._lock:
            self._active[operation.id] = operation
            self._counts["started"] += 1
        try:
            await self._begin(operation)
            result = await isolation_of.run(operation, coro)
        except BaseException as error:
            isolation_of.discard(coro)
            self._end(operation, error)
            raise
        self._end(operation, None)
        return result

    async def _begin(self, operation):
        operation.task = core.current_task_id()
        operation.record("begin")
        self._note(operation, "begin")
        answered, result, error = await isolation_of.ask(
            "operationBegin",
            {
                "id": operation.id,
                "name": operation.name,
                "isolation": operation.isolation,
                "metadata": _plain(operation.metadata),
                "breakpoints": [one.as_params() for one in operation.breakpoints],
            },
            ASK_TIMEOUT_S,
        )
        if not answered or error:
            why = error or "no answer within %g s" % ASK_TIMEOUT_S
            operation.record("no-debugger", reason=why)
            core.note(
                {
                    "kind": "message",
                    "level": "warning",
                    "text": "Operation %r runs without its breakpoints: %s." % (operation.name, why),
                }
            )
        self._handlers.tell("operation_begin", operation.info())

    def _end(self, operation, error):
        """Always runs, once; never raises."""
        with self._lock:
            if self._active.pop(operation.id, None) is None:
                return
            operation.ended = time.time()
            if error is None:
                operation.state = "finished"
            else:
                operation.state = "cancelled" if isolation_of.is_cancellation(error) else "failed"
                operation.error = core._describe(error)
            self._counts[operation.state] += 1
            self._finished.append(operation)
            del self._finished[:-HISTORY]
        operation.cancel = None
        operation.record(operation.state, error=operation.error)
        try:
            self._note(operation, "failed" if operation.state == "failed" else "end")
            core.ask_adapter(
                "operationEnd",
                {
                    "id": operation.id,
                    "name": operation.name,
                    "state": "failed" if operation.state == "failed" else "end",
                    "error": operation.error,
                },
            )
            self._handlers.tell(
                {"finished": "operation_end", "failed": "operation_failed", "cancelled": "operation_cancelled"}[
                    operation.state
                ],
                operation.info(),
            )
        except Exception:
            core.fail("operation.end")

    @staticmethod
    def _note(operation, state):
        note = {"kind": "operation", "id": operation.id, "name": operation.name, "state": state, "task": operation.task}
        if operation.error:
            note["error"] = operation.error
        if operation.metadata:
            note["metadata"] = _plain(operation.metadata)
        core.note(note)

    # --- breakpoints --------------------------------------------------------------------------------------------------

    def set_remote_breakpoint(self, file, line, condition=None, hit_count=None, log_message=None):
        """Ask the debugger for a breakpoint that any task stops at. Returns a ProgramBreakpoint; its `verified` becomes
        True or False when the debugger has answered. Nothing happens without a debugger."""
        point = make_breakpoint(file, line, condition, hit_count, log_message)
        self._breakpoints[point.id] = point

        def answered(result, error):
            point.verified = bool((result or {}).get("verified")) and not error
            point.message = error or (result or {}).get("message")

        core.ask_adapter("setBreakpoint", point.as_params(), answered)
        return point

    def remove_remote_breakpoint(self, point):
        """Take a breakpoint away again (given as ProgramBreakpoint or its id). Returns False when it is not there."""
        number = point.id if isinstance(point, ProgramBreakpoint) else point
        known = self._breakpoints.pop(number, None)
        if known is None:
            return False
        known.removed = True
        core.ask_adapter("removeBreakpoint", {"id": number})
        return True

    # --- the running program ------------------------------------------------------------------------------------------

    def evaluate_expression(self, expression, task=None):
        """The value of an expression in the caller's frame, or in the innermost frame of a suspended `task`."""
        frame = sys._getframe(1) if task is None else _frame_of_task(task)
        if frame is None:
            raise ValueError("the task has no frame: it has not begun or has ended")
        return eval(expression, frame.f_globals, dict(frame.f_locals))

    def get_stack_trace(self, task=None):
        """[{file, line, function}] innermost first: of the caller, or of a suspended `task` along its awaits."""
        if task is None or task is core.current_task():
            frames = []
            frame = sys._getframe(1)
            while frame is not None:
                frames.append(frame)
                frame = frame.f_back
        else:
            frames = _frames_of_task(task)
        return [
            {"file": one.f_code.co_filename, "line": one.f_lineno, "function": core_qualified(one.f_code)}
            for one in frames
        ]

    def pause(self):
        """Stop in the debugger, in the caller's frame. Returns False when there is no debugger."""
        pydevd = sys.modules.get("pydevd")
        if not core.state.live or pydevd is None or not hasattr(pydevd, "settrace"):
            return False
        pydevd.settrace(
            suspend=True, trace_only_current_thread=True, patch_multiprocessing=False, stop_at_frame=sys._getframe(1)
        )
        return True

    def continue_execution(self):
        """Have the debugger continue all threads (useful from a thread that runs on). Returns False without a debugger."""
        return core.ask_adapter("continue", {})

    # --- what happened ------------------------------------------------------------------------------------------------

    def register_event_handler(self, event_type, handler):
        """Have `handler(event)` called for 'operation_begin', 'operation_end', 'operation_failed', 'operation_cancelled',
        the adapter's own events, or '*' for all. `event` is {type, time, data}. Called in the registering event loop's
        thread when there is one, else in the thread of the event. Returns a function that unregisters."""
        return self._handlers.register(event_type, handler)

    def get_session_info(self, session_id):
        """All about one operation, or None."""
        with self._lock:
            found = self._active.get(session_id) or next((one for one in self._finished if one.id == session_id), None)
        return found.info() if found is not None else None

    def list_sessions(self, active_only=False):
        """Infos of the running operations, then (unless `active_only`) of the finished ones."""
        with self._lock:
            found = list(self._active.values()) + ([] if active_only else list(self._finished))
        return [one.info() for one in found]

    def get_debug_statistics(self):
        """Counts of this debugger: {started, active, finished, failed, cancelled, breakpoints, events}."""
        with self._lock:
            counts = dict(self._counts)
            counts["active"] = len(self._active)
            counts["breakpoints"] = len(self._breakpoints)
            counts["events"] = sum(len(one.events) for one in list(self._active.values()) + self._finished)
        return counts

    def close_all_sessions(self):
        """Cancel the running operations and remove the breakpoints. Returns how many operations were cancelled."""
        with self._lock:
            running = list(self._active.values())
        cancelled = 0
        for operation in running:
            cancel = operation.cancel
            if cancel is not None:
                with contextlib.suppress(Exception):
                    cancel()
                    cancelled += 1
        for number in list(self._breakpoints):
            self.remove_remote_breakpoint(number)
        return cancelled

    def generate_report(self, format="markdown"):
        """The health report as text: 'json', 'markdown' or 'html'; see `async_health.generate_report`."""
        from . import _ah_report

        return _ah_report.generate_report(format)

    def print_summary(self, file=None):
        """A few lines on how the program does; see `async_health.print_summary`."""
        from . import _ah_report

        _ah_report.print_summary(file)


def all_debuggers():
    """The AsyncDebuggers that live."""
    return [one for one in (ref() for ref in _debuggers) if one is not None]


def _plain(values):
    """A dict whose values JSON can hold; others become their repr."""
    import json

    plain = {}
    for key, value in values.items():
        try:
            json.dumps(value)
            plain[str(key)] = value
        except (TypeError, ValueError):
            plain[str(key)] = repr(value)
    return plain


def core_qualified(code):
    """Qualified name of a code object where Python knows it."""
    return getattr(code, "co_qualname", None) or code.co_name


def _frames_of_task(task):
    from ._ah_intern import frame_of, next_awaited

    coroutine = task.get_coro() if isinstance(task, asyncio.Future) else getattr(task, "coro", None)
    frames = []
    while coroutine is not None and len(frames) < 200:
        frame = frame_of(coroutine)
        if frame is not None:
            frames.append(frame)
        coroutine = next_awaited(coroutine)
    frames.reverse()
    return frames


def _frame_of_task(task):
    frames = _frames_of_task(task)
    return frames[0] if frames else None


@core.rpc("programEvent")
def _program_event(params):
    """The adapter tells the program's handlers: {type, data}."""
    for debugger in all_debuggers():
        debugger._handlers.tell(str(params.get("type")), params.get("data"))
    return True
