"""anyio's cancel scopes and task groups on the asyncio backend (anyio 3 and 4); `fail_after` and `move_on_after` use them.

A task group and its own cancel scope are one thing here: kind task group, the address of the cancel scope.
"""

import os
import sys
from types import CoroutineType

from . import _ah_core as core
from . import _ah_scopes as scopes
from . import _ah_task_places as places
from . import _ah_wire as wire
from ._ah_inject import inject
from ._ah_intern import scope_stack, string_id
from ._ah_scopes_asyncio import _FAR, deadline_ns
from ._ah_task_facts import name_of
from ._ah_tasks import known as known_task
from ._ah_tasks import live as live_tasks

_getframe = sys._getframe
_now = core.now
_extend = core.extend
_SCOPE = "scopes.anyio.CancelScope"
#: Scopes and groups go together: without the exits of groups the order of scopes could not be judged.
_GROUP = _SCOPE
_SPAWN = "scopes.anyio.spawn"
_backend_file = ""
#: The globals of anyio's asyncio backend, and of its module with the task handles (newer versions).
_backend = _handles = None
open_scopes = scopes.open_scopes
innermost = scopes.innermost
outer_of = scopes.outer_of
left = scopes.left
place_of = scopes.place_of
_state = core.state
_by_code = {}


def install(_options):
    global _by_code
    _by_code = scopes.generators_by_code()
    core.on_import("anyio._backends._asyncio", _install)


def _install(module):
    global _backend, _backend_file, _handles
    # As the code names it: without sources the module's own file is another one.
    _backend_file = module.CancelScope.__enter__.__code__.co_filename
    _backend = vars(module)
    _handles = getattr(getattr(module, "TaskHandle", None), "_run_coro", module.CancelScope.__init__).__globals__
    scopes.add_library(os.path.dirname(os.path.dirname(_backend_file)) + os.sep)
    kind = module.CancelScope
    for number in (wire.SCOPE_ANYIO_CANCEL_SCOPE, wire.SCOPE_ANYIO_TASK_GROUP):
        scopes.describers[number] = _describe
        scopes.finders[number] = _open_now
    _edit(kind.__enter__, _SCOPE, returns="AH.enter(VALUE)", enter=_enter)
    _edit(
        kind.__exit__,
        _SCOPE,
        prologue="_ah_open = AH.leave(self, exc_type, self._host_task)",
        epilogue="if _ah_open: AH.left(self, exc_type)",
        leave=scopes.leave,
        left=_left,
    )
    told = "AH.cancel(self, reason)" if "reason" in kind.cancel.__code__.co_varnames else "AH.cancel(self, None)"
    _edit(kind.cancel, _SCOPE, prologue=told, cancel=_cancel)
    _edit(
        kind._deliver_cancellation,
        _SCOPE,
        prologue="_ah_before = AH.begin(self, locals())",
        epilogue="AH.end(_ah_before)",
        begin=_delivers,
        end=_ends,
    )
    for name in ("deadline", "shield"):
        setter = getattr(vars(kind).get(name), "fset", None)
        if setter is not None:
            _edit(setter, _SCOPE, epilogue="AH.changed(self)", changed=_changed)
    group = module.TaskGroup
    _edit(
        group.__aexit__,
        _GROUP,
        prologue="_ah_open = AH.leave(self.cancel_scope, exc_type, self.cancel_scope._host_task)",
        epilogue="if _ah_open and AH.left_group(self.cancel_scope): AH.left(self.cancel_scope, exc_type)",
        leave=scopes.leave_group,
        left_group=scopes.left_group,
        left=_left,
    )
    # `_spawn` of newer versions runs the coroutine in one of anyio's own: tell the birth whose it is.
    first = (
        "AH.spawning(coro)" if "coro" in group._spawn.__code__.co_varnames[: group._spawn.__code__.co_argcount] else ""
    )
    _edit(group._spawn, _SPAWN, prologue=first, returns="AH.born(self, task, VALUE)", spawning=_spawning, born=_born_in)


def _edit(function, name, **parts):
    if not inject(function, name, **parts):
        core.missing(name, "no matching source of %s" % function.__qualname__)


# The frames: 0 the function here, 1 the instrumented method, 2 its caller.


def _enter(scope):
    try:
        caller = _getframe(2)
        kind = 1  # SCOPE_ANYIO_CANCEL_SCOPE
        inside = caller.f_globals  # cheaper than to compare file names
        if inside is _backend:
            if caller.f_code.co_name != "__aenter__":
                return scope  # anyio's own housekeeping: shielded checkpoints, waiting for children
            kind = 2  # SCOPE_ANYIO_TASK_GROUP
            caller = caller.f_back or caller
        elif inside is _handles and caller.f_code.co_name == "_run_coro":
            return scope  # the scope behind a TaskHandle
        task = scope._host_task
        host = id(task)
        if host not in live_tasks:
            known_task(task)
        address = id(scope)
        stack = (scope_stack(caller) if _state.level == 1 else 0) or place_of(caller, host)
        row = (20, _now(), address, host, kind, stack)  # OP_SCOPE_ENTER
        if host in innermost:
            outer_of[address] = innermost[host]
        open_scopes[address] = row
        innermost[host] = address
        _extend(row)
        if scope._deadline < _FAR or scope._shield or scope._cancel_called:
            _parent, deadline, flags = _describe(scope)
            _extend((23, row[1], address, 0, deadline, flags))  # OP_SCOPE_META
        if _by_code:
            scopes.in_generator(address, caller)
    except Exception as error:
        core.fail(_SCOPE, error)
    return scope


def _open_now():
    """The open scopes by address, as anyio keeps them: each task's innermost one, and from there outward."""
    found = {}
    for state in list(_backend["_task_states"].data.values()):  # the plain dictionary: copied in one step
        scope = state.cancel_scope
        while scope is not None and id(scope) not in found:
            found[id(scope)] = scope
            scope = scope._parent_scope
    return found


def _describe(scope):
    parent = getattr(scope, "_parent_scope", None)
    flags = wire.SCOPE_FLAG_SHIELD if scope._shield else 0
    if scope._cancel_called:
        flags |= wire.SCOPE_FLAG_CANCEL_CALLED
    return 0 if parent is None else id(parent), deadline_ns(scope._deadline), flags


def _left(scope, kind):
    try:
        left(scope, _getframe(2), kind is not None and bool(getattr(scope, "_cancelled_caught", False)))
    except Exception as error:
        core.fail("scopes.exit", error)


def _spawning(coroutine):
    try:
        name = coroutine.__qualname__ if type(coroutine) is CoroutineType else str(name_of(coroutine))
        # 1 is `_spawn`, 2 `start_soon` or `start`.
        places.announce(name, _getframe(3))
    except Exception as error:
        core.fail(_SPAWN, error)


@core.hook(_SCOPE)
def _cancel(scope, words):
    if scope._cancel_called:
        return
    caller = _getframe(3)
    reason = wire.REASON_EXPLICIT
    if caller is not None and caller.f_code.co_filename == _backend_file:
        name = caller.f_code.co_name
        if name == "_timeout":
            reason = wire.REASON_DEADLINE
        elif name in ("task_done", "_run_wrapped_task"):
            reason = wire.REASON_CHILD_FAILED
        elif name == "__aexit__":
            reason = wire.REASON_HOST_FAILED
    explicit = reason == wire.REASON_EXPLICIT
    scopes.cancelled(scope, reason, caller if explicit else None, words if explicit else None)


@core.hook(_SCOPE)
def _delivers(scope, names):
    return scopes.delivering(scope, names.get("origin") or scope)


@core.hook(_SCOPE)
def _ends(before):
    scopes.delivered(before or 0)


@core.hook(_SCOPE)
def _changed(scope):
    if id(scope) in scopes.open_scopes:
        _parent, deadline, flags = _describe(scope)
        scopes.changed(scope, deadline, flags)


def _born_in(group, task, value):
    try:
        places.withdraw()
        address = id(task)
        t = _now()
        # anyio runs the function in a coroutine of its own; the name tells which function it is.
        name = string_id(str(task.get_name()))
        _extend((9, t, address, id(group.cancel_scope), 0, 0, 3, t, address, 0, name, 0))  # OP_TASK_GROUP, OP_TASK_NAME
    except Exception as error:
        core.fail(_SPAWN, error)
    return value
