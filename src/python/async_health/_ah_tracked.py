"""What a program tells the debugger by itself: tracked scopes and tasks.

Without a debugger each of these costs about as much as the `with` statement around it.
"""

import collections
import functools
import itertools
import sys
import threading
import time

from . import _ah_core as core
from . import _ah_wire as w
from ._ah_intern import RARE_DEPTHS

_numbers = itertools.count(1)


class TrackedScope:
    """One entry of a `CancelScopeTracker`. Times in seconds of `time.monotonic`."""

    __slots__ = (
        "id",
        "name",
        "task",
        "task_name",
        "entered",
        "exited",
        "cancel_requested",
        "reason",
        "violation",
        "__weakref__",
    )

    def __init__(self, number, name, task, task_name):
        self.id = number
        self.name = name
        self.task = task
        self.task_name = task_name
        self.entered = time.monotonic()
        self.exited = None
        self.cancel_requested = False
        self.reason = None
        self.violation = None


class CancelScopeTracker:
    """Who entered which scope and who left it, kept in the program itself; works without a debugger too.

    `enter(name)` gives an id; `exit(id)` returns the violation found: 'cross-task-exit', 'out-of-order-exit' or None.
    """

    def __init__(self, history=200):
        self._open = collections.OrderedDict()
        self._events = collections.deque(maxlen=history)
        self._violations = collections.deque(maxlen=history)
        self._counts = {"entered": 0, "exited": 0, "cancelled": 0, "cross_task": 0, "out_of_order": 0}
        self._lock = threading.Lock()

    def enter(self, name="scope"):
        """The current task enters a scope; returns the scope's id."""
        task = _current_task()
        scope = TrackedScope(next(_numbers), str(name), id(task) if task is not None else 0, _task_name(task))
        with self._lock:
            self._open[scope.id] = scope
            self._counts["entered"] += 1
            self._event("enter", scope)
        return scope.id

    def exit(self, scope_id):
        """The current task leaves the scope. Raises KeyError when it is not open."""
        task = _current_task()
        address = id(task) if task is not None else 0
        with self._lock:
            scope = self._open.pop(scope_id)
            scope.exited = time.monotonic()
            self._counts["exited"] += 1
            if scope.task != address:
                scope.violation = "cross-task-exit"
                self._counts["cross_task"] += 1
            elif any(other.task == address and number > scope_id for number, other in self._open.items()):
                scope.violation = "out-of-order-exit"
                self._counts["out_of_order"] += 1
            if scope.violation:
                self._violations.append(
                    {
                        "violation": scope.violation,
                        "scope": scope.id,
                        "name": scope.name,
                        "entered_by": scope.task_name,
                        "left_by": _task_name(task),
                    }
                )
            self._event("exit", scope, violation=scope.violation)
        return scope.violation

    def request_cancel(self, scope_id, reason=None):
        """Note that the scope's cancellation was asked for. Returns False when it is not open."""
        with self._lock:
            scope = self._open.get(scope_id)
            if scope is None:
                return False
            if not scope.cancel_requested:
                scope.cancel_requested = True
                scope.reason = reason
                self._counts["cancelled"] += 1
                self._event("cancel", scope, reason=reason)
            return True

    def check_cross_task_violations(self):
        """The violations so far, oldest first: [{violation, scope, name, entered_by, left_by}]."""
        with self._lock:
            return [dict(one) for one in self._violations]

    def statistics(self):
        """{entered, exited, cancelled, cross_task, out_of_order, open}."""
        with self._lock:
            return dict(self._counts, open=len(self._open))

    def recent_events(self, count=20):
        """The last events, oldest first: [{event, scope, name, task, time, …}]."""
        with self._lock:
            return [dict(one) for one in list(self._events)[-count:]] if count > 0 else []

    def report(self):
        """{statistics, open: [...], violations: [...], recent: [...]}, plain values."""
        with self._lock:
            now = time.monotonic()
            still = [
                {
                    "scope": one.id,
                    "name": one.name,
                    "task": one.task_name,
                    "age": now - one.entered,
                    "cancelled": one.cancel_requested,
                }
                for one in self._open.values()
            ]
        return {
            "statistics": self.statistics(),
            "open": still,
            "violations": self.check_cross_task_violations(),
            "recent": self.recent_events(),
        }

    def _event(self, event, scope, **more):
        self._events.append(
            dict(more, event=event, scope=scope.id, name=scope.name, task=scope.task_name, time=time.time())
        )


def _current_task():
    """The running task; found without the probe as well."""
    if core.state.started:
        return core.current_task()
    run = sys.modules.get("trio._core._run")
    task = getattr(run.GLOBAL_RUN_CONTEXT, "task", None) if run is not None else None
    asyncio = sys.modules.get("asyncio")
    if task is None and asyncio is not None:
        try:
            task = asyncio.current_task()
        except (RuntimeError, AttributeError):  # no loop runs here
            task = None
    return task


def _task_name(task):
    if task is None:
        return ""
    getter = getattr(task, "get_name", None)
    try:
        return str(getter()) if getter is not None else str(task.name)
    except Exception:
        return type(task).__name__


#: What `tracked_scope` uses.
tracker = CancelScopeTracker()


class tracked_scope:  # noqa: N801  (used like a function)
    """`with tracked_scope("load"):` or `async with`: the debugger shows the scope and who enters and leaves it.

    One object may be entered once at a time. Left by another task than entered it, it is a `cross-task-exit`.
    """

    def __init__(self, name="scope"):
        self.name = str(name)
        self._entered = None

    def __enter__(self):
        if self._entered is not None:
            raise RuntimeError("tracked_scope(%r) is already entered; make one per 'with'" % self.name)
        self._entered = tracker.enter(self.name)
        if core.state.live:
            observe(self._tell_enter, sys._getframe(1))
        return self

    def __exit__(self, exc_type, exc, traceback):
        entered, self._entered = self._entered, None
        if entered is None:
            raise RuntimeError("tracked_scope(%r) is left without being entered" % self.name)
        if core.state.live:
            observe(self._tell_exit, sys._getframe(1), exc_type is not None)
        tracker.exit(entered)
        return False

    def __aenter__(self):
        return _Step(self.__enter__)

    def __aexit__(self, exc_type, exc, traceback):
        return _Step(self.__exit__, exc_type, exc, traceback)

    def _tell_enter(self, frame):
        from . import _ah_scopes as scopes

        scopes.entered(id(self), core.current_task_id(), w.SCOPE_TRACKED, _outward(frame), watched=self)
        scopes.named(self, self.name)

    def _tell_exit(self, frame, failed):
        from . import _ah_scopes as scopes

        frame = _outward(frame)
        task = core.current_task()
        scopes.leaving(self, task, frame, failed)
        scopes.left(self, frame)


def _outward(frame):
    """The first frame that is not of this file."""
    own = _outward.__code__.co_filename
    while frame.f_back is not None and frame.f_code.co_filename == own:
        frame = frame.f_back
    return frame


class _Step:
    """An awaitable that calls when it is awaited (so in the awaiting task) and never suspends; less than a coroutine."""

    __slots__ = ("function", "args")

    def __init__(self, function, *args):
        self.function = function
        self.args = args

    def __await__(self):
        return self.function(*self.args)
        yield


def depth():
    return RARE_DEPTHS[core.state.level]


def observe(function, *args):
    """Observation never hurts the program."""
    try:
        function(*args)
    except Exception as error:
        core.fail("tracked", error)


# --- tasks ------------------------------------------------------------------------------------------------------------

_kept = set()  # tasks made by `tracked_task`, until they are done


class _TaskLabel:
    """`tracked_task("name")`: a context manager that names the running task, or a decorator of coroutine functions."""

    def __init__(self, name):
        self.name = name

    def __enter__(self):
        if core.state.live:
            observe(self._tell)
        return self

    def __exit__(self, *exc):
        return False

    async def __aenter__(self):
        return self.__enter__()

    async def __aexit__(self, *exc):
        return False

    def _tell(self):
        task = core.current_task_id()
        if task:
            core.emit(w.OP_TASK_NAME, task, 0, core.string_id(self.name))

    def __call__(self, function):
        @functools.wraps(function)
        async def tracked(*args, **kwargs):
            with self:
                return await function(*args, **kwargs)

        return tracked


def tracked_task(what, name=None):
    """Name a task for the debugger, in one of these ways:

    - `task = tracked_task(coroutine, name="load")` starts an asyncio task that is kept alive until it is done;
    - `@tracked_task` or `@tracked_task("load")` on a coroutine function names the task that runs it;
    - `with tracked_task("load"):` names the current task.
    """
    import asyncio
    import inspect

    if isinstance(what, str):
        return _TaskLabel(what)
    if inspect.isawaitable(what):
        task = asyncio.ensure_future(what)
        if name is not None and hasattr(task, "set_name"):
            task.set_name(name)
        if not task.done():
            _kept.add(task)
            task.add_done_callback(_kept.discard)
        return task
    if callable(what):
        return _TaskLabel(name or getattr(what, "__qualname__", repr(what)))(what)
    raise TypeError("give a coroutine, a coroutine function or a name, not %r" % (what,))
