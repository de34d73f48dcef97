"""trio's cancel scopes and nurseries in the terms of the common model.

A nursery and its own cancel scope are one thing here: kind nursery, the address of the cancel scope. So cancelling
`nursery.cancel_scope` is cancelling the nursery, and its children name that address as their group.
"""

import ast
import os
import sys
from weakref import ref

from . import _ah_core as core
from . import _ah_generators as generators
from . import _ah_intern as intern
from . import _ah_locks as locks
from . import _ah_splice as splice
from . import _ah_wire as w
from ._ah_task_facts import reason_id

HOOK = "trio.scopes"


#: SCOPE_ENTER rows of the entered scopes, by address of the CancelScope. trio keeps a scope as long as its task is in it.
open_scopes = {}
#: Weak references to those of them that their task has left behind, open: these may get lost.
_abandoned = {}
#: Columns of the row.
_HOST, _KIND, _STACK = 3, 4, 5
#: Of scopes that cancelled: address -> [cancellations delivered through it so far, how many of those the model knows].
_deliveries = {}

AH = locks.Hooks()
_INFINITE = float("inf")
_run_file = ""


#: Code of `NurseryManager.__aenter__`, whose scopes are nurseries, and of `sleep_until`.
_aenter_code = _sleep_code = None
#: Addresses of the scopes with which `trio.sleep` is made: nobody's, and there may be one for each task.
sleeping = set()
#: Before 0.28 a wrapper around `__enter__` protects from KeyboardInterrupt.
_wrapped = False
_getframe = sys._getframe
_now = core.now
_extend = core.extend
_state = core.state
_by_code = generators.by_code


def _lost(reference):
    try:
        for address, known in list(_abandoned.items()):
            if known is reference:
                _forget_scope(address)
                core.emit(w.OP_SCOPE_LOST, address)
                return
    except Exception:  # interpreter shutdown
        pass


def _forget_scope(address):
    _deliveries.pop(address, None)
    _abandoned.pop(address, None)
    return open_scopes.pop(address, None)


#: Frames of a birth's stack: `start_soon` or another function of trio's comes first.
_SPAWN_DEPTH = intern.STANDARD_DEPTH + 1
#: Stacks of this module end before trio's own run loop.
_quick_stack, _set_run_loop = intern.walk_to(intern.SCOPE_DEPTH)
spawn_stack, _set_spawn_loop = intern.walk_to(_SPAWN_DEPTH)
_run_loop = None


def run_loop_is(function):
    """`function` is `unrolled_run`, which may have other code than before."""
    global _run_loop
    _run_loop = function = splice.underlying(function)
    _set_run_loop(function.__code__)
    _set_spawn_loop(function.__code__)


def also_run_loop():
    """There are runs that began with the run loop's original code: stacks end there, too."""
    global _quick_stack, spawn_stack, _set_run_loop, _set_spawn_loop
    original = splice.original_code(_run_loop)
    if original is not _run_loop.__code__:
        _quick_stack, _set_run_loop = intern.walk_to(intern.SCOPE_DEPTH, original)
        spawn_stack, _set_spawn_loop = intern.walk_to(_SPAWN_DEPTH, original)
        run_loop_is(_run_loop)


def stack_of(frame, limit=None):
    """Stack id of the program's frames from `frame` outward, down to trio's run loop; 0 at level `light`."""
    if limit is None:
        if _state.level == 1:  # STANDARD
            return _quick_stack(frame)
        limit = intern.DEPTHS[_state.level]
    if not limit:
        return 0
    frame = locks.outside(frame)
    codes = []
    lastis = []
    while frame is not None:
        code = frame.f_code
        if code.co_name == "unrolled_run" and code.co_filename == _run_file:
            break
        if not limit:
            lastis.append(-1)  # cut
            break
        codes.append(code)
        lastis.append(frame.f_lasti)
        limit -= 1
        frame = frame.f_back
    return core.frames_id(tuple(codes), tuple(lastis), True)


def running_id():
    """Address of trio's own running task, or 0. A guest run makes its first steps inside the task of asyncio that starts it."""
    task = getattr(AH.context, "task", None)
    return 0 if task is None else id(task)


def _entered(scope, task):
    try:
        frame = _getframe(2)
        code = frame.f_code
        if _wrapped:
            while code.co_filename.endswith("_ki.py"):
                frame = frame.f_back
                code = frame.f_code
        if code is _sleep_code:
            sleeping.add(id(scope))
            return
        kind = 5  # SCOPE_TRIO_CANCEL_SCOPE
        if code is _aenter_code:
            kind = 6  # SCOPE_TRIO_NURSERY
            frame = frame.f_back
        level = _state.level
        address = id(scope)
        open_scopes[address] = row = (
            20,  # OP_SCOPE_ENTER
            _now(),
            address,
            id(task),
            kind,
            0 if not level else _quick_stack(frame) if level == 1 else stack_of(frame),
        )
        _extend(row)
        if sleeping:
            sleeping.discard(address)
        # Which scope it is in follows from the host's other scopes; only what is not usual is told.
        if scope._shield or scope._cancel_called or scope._deadline != _INFINITE:
            _meta(scope)
        if _by_code:
            generators.scope_entered(address, frame)
    except Exception as error:
        core.fail(HOOK, error)


def adopt(scope, host, kind):
    """Announce a scope that was entered before the probe came."""
    address = id(scope)
    row = open_scopes[address] = (20, _now(), address, host, kind, 0)  # OP_SCOPE_ENTER
    _extend(row)
    _meta(scope)


def _meta(scope):
    status = scope._cancel_status
    parent = status._parent if status is not None else None
    parent_id = id(parent._scope) if parent is not None else 0
    deadline = scope._deadline
    flags = w.SCOPE_FLAG_SHIELD if scope._shield else 0
    if scope._cancel_called:
        flags |= w.SCOPE_FLAG_CANCEL_CALLED
    if deadline == deadline and abs(deadline) != _INFINITE:
        try:
            remaining = deadline - AH.clock()
        except Exception:  # outside of a run: the deadline is set before anybody waits
            return
        due = core.since_start(core.now() + int(remaining * 1e9))
    else:
        due = -1
    core.emit(w.OP_SCOPE_META, id(scope), parent_id, due, flags)


@core.hook(HOOK)
def _changed(scope):
    """Deadline or shield was set."""
    if scope._cancel_status is not None and id(scope) in open_scopes:
        _meta(scope)


#: What `CancelScope._close` asks first. The usual exit is told at once; in all others `_closing` says what has to be told once it
#: is left. Only a nursery's scope can be the innermost of another task than its host, a child's. Of a scope that was not
#: cancelled no delivery was counted.
_CLOSING = """
_ah_key = id(self)
_ah_row = AH.open.get(_ah_key)
if _ah_row is not None:
    if (
        exc is None
        and scope_task._cancel_status is self._cancel_status
        and (_ah_row[4] == 5 or _ah_row[3] == id(scope_task))
        and not self._cancel_called
        and not AH.by_generators
        and not AH.abandoned
        and AH.state.level != 2
    ):
        del AH.open[_ah_key]
        AH.extend((21, AH.now(), _ah_key, _ah_row[3], 0, 0))
    else: _ah_token = AH.closing(self, exc)
elif AH.sleeping: AH.sleeping.discard(_ah_key)
"""


def _closing(scope, exc):
    """The scope is about to be left. What `_closed` needs: the flags that can only be told before."""
    try:
        known = open_scopes.get(id(scope))
        if known is None:
            sleeping.discard(id(scope))
            return None
        return _judge(scope, exc, known, getattr(AH.context, "task", None), _getframe(1))
    except Exception as error:
        core.fail(HOOK, error)
        return None


def _judge(scope, exc, known, task, frame):
    flags = w.EXIT_WITH_EXCEPTION if exc is not None else 0
    address = id(task) if task is not None else 0
    host = known[_HOST] if known is not None else 0
    status = scope._cancel_status
    misuse = None
    if host and host != address:
        flags |= w.EXIT_CROSS_TASK
        misuse = "cross-task-exit"
    elif (
        known is not None
        and task is not None
        and status is not None
        and task._cancel_status is not status
        and not status.abandoned_by_misnesting  # told when the outer scope was left
    ):
        flags |= w.EXIT_OUT_OF_ORDER
        misuse = "out-of-order-exit"
        left_open(task, status)
    if generators.in_finaliser(frame):
        flags |= w.EXIT_BY_FINALISER
    stack = 0
    if misuse is not None or core.state.level == core.FULL:
        stack = stack_of(frame.f_back, 40)
    if misuse is not None:
        core.emit(w.OP_SCOPE_LEAVING, id(scope), address, flags, stack)
        core.violation(
            misuse,
            locks.outside(frame.f_back),
            {
                "message": "A trio %s is left by another task than the one that entered it."
                % ("nursery" if known[_KIND] == w.SCOPE_TRIO_NURSERY else "cancel scope")
                if misuse == "cross-task-exit"
                else "A trio scope is left while a scope opened inside it is still open.",
                "scope": id(scope),
                "task": address,
                "host": host,
            },
        )
    return (flags, stack, address)


@core.hook(HOOK)
def _closed(scope, token):
    flags, stack, address = token
    key = id(scope)
    if flags & w.EXIT_CROSS_TASK and scope._cancel_status is not None:
        # trio refused: the scope stays open where it was entered. The attempt is told all the same.
        core.emit(w.OP_SCOPE_EXIT, key, address, flags, stack)
        return
    _tell_deliveries(key)
    if _forget_scope(key) is None:
        return
    generators.scope_left(key)
    if scope.cancelled_caught:
        flags |= w.EXIT_CANCELLED_CAUGHT
    core.emit(w.OP_SCOPE_EXIT, key, address, flags, stack)


def left_open(task, outer):
    """`task` leaves its scopes within that of `outer`, a CancelStatus, as they are: from now on nobody may keep them."""
    status = task._cancel_status
    while status is not None and status is not outer:
        scope = status._scope
        if id(scope) in open_scopes:
            _abandoned[id(scope)] = ref(scope, _lost)
        status = status._parent


@core.hook(HOOK)
def _task_over(task):
    """A task ends inside a scope that it entered."""
    left_open(task, task._parent_nursery._cancel_status)


_SOURCES = {
    "deadline": w.REASON_DEADLINE,
    "explicit": w.REASON_EXPLICIT,
    "nursery": w.REASON_CHILD_FAILED,
    "KeyboardInterrupt": w.REASON_EXPLICIT,
    "shutdown": w.REASON_EXPLICIT,
}

#: Functions of trio's `_run.py` through which a cancellation comes, for versions without `CancelReason`.
_ROUTES = {
    "expire": w.REASON_DEADLINE,
    "cancel_called": w.REASON_DEADLINE,
    "__enter__": w.REASON_DEADLINE,
    "_nested_child_finished": w.REASON_HOST_FAILED,
    "_child_finished": w.REASON_CHILD_FAILED,
}


@core.hook(HOOK)
def _cancelled(scope, reason):
    """The scope's cancellation is requested for the first time."""
    if id(scope) in sleeping:
        return
    frame = sys._getframe(2)
    why = _SOURCES.get(getattr(reason, "source", None), w.REASON_EXPLICIT)
    caller = frame.f_back
    for _ in range(6):
        if caller is None or not caller.f_code.co_filename.endswith(("_ki.py", "_run.py")):
            break
        route = _ROUTES.get(caller.f_code.co_name)
        if route is not None:
            why = route
            break
        caller = caller.f_back
    who = 0 if why == w.REASON_DEADLINE else core.current_task_id()
    stack = stack_of(frame.f_back) if why != w.REASON_DEADLINE else 0
    core.emit(w.OP_SCOPE_CANCEL, id(scope), who, why, stack)
    number = reason_id(getattr(reason, "reason", None)) if why == w.REASON_EXPLICIT else 0
    if number:
        core.emit(w.OP_SCOPE_CANCEL_REASON, id(scope), 0, number)


@core.hook(HOOK)
def _delivered(task):
    """A Cancelled exception was put into a task."""
    nursery, runner = task.parent_nursery, task._runner
    if nursery is None or (nursery.parent_task is runner.init_task and task is not runner.main_task):
        return  # trio's own tasks end in their own way
    status = task._cancel_status
    found = None
    for _ in range(200):
        if status is None or not status.effectively_cancelled:
            break
        if status._scope._cancel_called:
            found = status._scope
        if status._scope._shield:
            break  # what is cancelled further out does not come through
        status = status._parent
    key = id(found) if found is not None else 0
    if key in sleeping:
        return
    core.emit(w.OP_TASK_CANCEL_DELIVERED, id(task), 0, key)
    if key in open_scopes:
        counts = _deliveries.get(key)
        if counts is None:
            _deliveries[key] = [1, 0]
        else:
            counts[0] += 1


def _tell_deliveries(address):
    counts = _deliveries.get(address)
    if counts is not None and counts[0] != counts[1]:
        counts[1] = counts[0]
        core.emit(w.OP_SCOPE_DELIVERIES, address, 0, counts[0])


def tick():
    """Tell how often cancellations were delivered."""
    for address in list(_deliveries):
        _tell_deliveries(address)


def chain_of(task):
    """The scopes that a task is in, innermost first."""
    status = task._cancel_status
    for _ in range(10_000):
        if status is None:
            break
        yield status._scope
        status = status._parent


def sync(tasks):
    """Restate the open scopes, outer ones first (they were entered first). `tasks`: those that live."""
    found = {address: reference() for address, reference in list(_abandoned.items())}
    for task in tasks:
        for scope in chain_of(task):
            if id(scope) in found:
                break
            found[id(scope)] = scope
    for address, row in list(open_scopes.items()):
        scope = found.get(address)
        if scope is None:
            continue
        _extend(row)
        _meta(scope)
        if address in _deliveries:
            _deliveries[address][1] = 0
            _tell_deliveries(address)


def forget():
    """Stack ids of an earlier listener mean nothing any more."""
    for address, row in list(open_scopes.items()):
        open_scopes[address] = row[:_STACK] + (0,)


AH.entered, AH.closing, AH.closed, AH.cancelled = _entered, _closing, _closed, _cancelled
AH.changed, AH.delivered = _changed, _delivered
AH.open, AH.abandoned, AH.sleeping, AH.by_generators = open_scopes, _abandoned, sleeping, generators.scoped
AH.task_over = _task_over
AH.extend, AH.now, AH.state = _extend, _now, _state


def _has(function, name):
    return name in splice.underlying(function).__code__.co_varnames


def _assigns_scope_task(statement):
    return isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", None) == "scope_task"


def _learn_sleep(timeouts):
    global _sleep_code
    _sleep_code = splice.underlying(timeouts.sleep_until).__code__


def install(run):
    """Hooks of `trio._core._run`."""
    global _run_file, _wrapped, _aenter_code
    run_loop_is(run.unrolled_run)
    _aenter_code = splice.underlying(run.NurseryManager.__aenter__).__code__
    core.on_import("trio._timeouts", _learn_sleep)
    _run_file = run.__file__
    if not os.path.isabs(_run_file):
        _run_file = run.CancelScope.__enter__.__code__.co_filename
    AH.clock = run.current_time
    AH.context = run.GLOBAL_RUN_CONTEXT
    scope = run.CancelScope
    _wrapped = hasattr(scope.__enter__, "__wrapped__")
    is_return = lambda statement: isinstance(statement, ast.Return)  # noqa: E731
    AH.running = lambda: AH.context.task
    task = "task" if _has(scope.__enter__, "task") else "AH.running()"
    splice.apply(HOOK, scope.__enter__, splice.before(is_return, "AH.entered(self, %s)" % task, AH))
    leaves = splice.before(is_return, "if _ah_token is not None: AH.closed(self, _ah_token)", AH)
    if _has(scope._close, "scope_task"):
        closing = splice.after(_assigns_scope_task, _CLOSING, AH), splice.prepend("_ah_token = None", AH)
    else:
        closing = (splice.prepend("_ah_token = AH.closing(self, exc)", AH),)
    splice.apply(HOOK, scope._close, leaves, *closing)
    over = (
        "if task._parent_nursery is not None and task._cancel_status is not task._parent_nursery._cancel_status:\n"
        " AH.task_over(task)"
    )
    splice.apply(HOOK, run.Runner.task_exited, splice.prepend(over, AH))
    if hasattr(scope, "_cancel"):
        first = "if not self._cancel_called: AH.cancelled(self, cancel_reason)"
        splice.apply(HOOK, scope._cancel, splice.prepend(first, AH))
    else:
        splice.apply(HOOK, scope.cancel, splice.prepend("if not self._cancel_called: AH.cancelled(self, None)", AH))
    for name in ("deadline", "shield"):
        setter = vars(scope)[name].fset
        splice.apply(HOOK, setter, splice.append("AH.changed(self)", AH))

    def reschedules(statement):
        call = getattr(statement, "value", None)
        return (
            isinstance(statement, ast.Expr)
            and isinstance(call, ast.Call)
            and getattr(call.func, "attr", None) == "reschedule"
        )

    splice.apply(HOOK, run.Task._attempt_abort, splice.after(reschedules, "AH.delivered(self)", AH))
