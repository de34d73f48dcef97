"""`asyncio.timeout` and `asyncio.TaskGroup` (3.11 and later).

Neither says a word when another task leaves it (3.11-3.13): the timeout then never fires, and a failing child no longer
cancels the body. So enter and exit are observed from inside their methods.
"""

import os
import sys
import time
from math import floor

from . import _ah_core as core
from . import _ah_scopes as scopes
from . import _ah_wire as wire
from ._ah_inject import inject
from ._ah_intern import scope_stack
from ._ah_tasks import find_current
from ._ah_tasks import known as known_task
from ._ah_tasks import live as live_tasks

_getframe = sys._getframe
_TIMEOUT = "scopes.asyncio.timeout"
_GROUP = "scopes.asyncio.TaskGroup"
#: A deadline beyond this many seconds is none; infinity among them.
_FAR = 1e15
#: From the loops' clock to the rows' clock, ns; and from there to the time since the probe's start.
_clock_offset = core.now() - time.monotonic_ns()
_to_start = _clock_offset - core.state.t0
_state = core.state
_now = core.now
_extend = core.extend
open_scopes = scopes.open_scopes
innermost = scopes.innermost
outer_of = scopes.outer_of
left = scopes.left
place_of = scopes.place_of
watch = scopes.watch
_by_code = {}


def install(_options):
    global _by_code
    _by_code = scopes.generators_by_code()
    core.on_start(_restart)
    _restart()
    core.on_import("asyncio", _install)


def _restart():
    """The start is what deadlines are counted from."""
    global _to_start
    _to_start = _clock_offset - _state.t0


def _install(asyncio):
    if sys.version_info >= (3, 12):
        scopes.running_task = asyncio.tasks.current_task
    else:
        scopes.running_task = find_current()
    scopes.add_library(os.path.dirname(asyncio.Lock.acquire.__code__.co_filename) + os.sep)
    timeouts = sys.modules.get("asyncio.timeouts")
    if timeouts is not None:
        kind = timeouts.Timeout
        _edit(kind.__aenter__, _TIMEOUT, returns="AH.enter(VALUE)", enter=_enter_timeout)
        _edit(
            kind.__aexit__,
            _TIMEOUT,
            prologue="_ah_open = AH.leave(self, exc_type, self._task)",
            epilogue="if _ah_open: AH.left(self, exc_type)",
            leave=scopes.leave,
            left=_left_timeout,
        )
        _edit(
            kind._on_timeout,
            _TIMEOUT,
            prologue="_ah_before = AH.begin(self)",
            epilogue="AH.end(_ah_before)",
            begin=_timeout_fires,
            end=_ends,
        )
        # Its own `__aenter__` calls it too, with what is there already.
        _edit(
            kind.reschedule,
            _TIMEOUT,
            prologue="if when is not self._when: AH.changed(self, when)",
            changed=_rescheduled,
        )
    groups = sys.modules.get("asyncio.taskgroups")
    if groups is not None:
        kind = groups.TaskGroup
        _edit(kind.__aenter__, _GROUP, returns="AH.enter(VALUE)", enter=_enter_group)
        _edit(
            kind.__aexit__,
            _GROUP,
            prologue="_ah_open = AH.leave(self, et, self._parent_task)",
            epilogue="if _ah_open and AH.left_group(self): AH.left(self)",
            leave=scopes.leave_group,
            left_group=scopes.left_group,
            left=_left,
        )
        _edit(
            kind._abort,
            _GROUP,
            prologue="_ah_before = AH.begin(self)",
            epilogue="AH.end(_ah_before)",
            begin=_group_aborts,
            end=_ends,
        )
        _edit(
            kind._on_task_done,
            _GROUP,
            # A failed child cancels the parent outside of `_abort`; that is the group's doing too.
            prologue="_ah_failed = getattr(task, '_exception', None) is not None\nif _ah_failed: _ah_before = AH.begin(self)",
            epilogue="if _ah_failed: AH.end(_ah_before)",
            begin=_child_failed,
            end=_ends,
        )
        _edit(kind.create_task, _GROUP, returns="AH.born(self, VALUE)", born=_born_in)


def _edit(function, name, **parts):
    if not inject(function, name, **parts):
        core.missing(name, "no matching source of %s" % function.__qualname__)


def deadline_ns(when):
    """A time of the loop's clock (`time.monotonic`, seconds) as ns since the probe's start; -1 for none."""
    if when is None or not when < _FAR:
        return -1
    due = floor(when * 1e9) + _to_start
    return due if due > 0 else 0


# The frames: 0 the function here, 1 the instrumented method, 2 its caller.


def _enter_timeout(timeout):
    try:
        task = timeout._task
        host = id(task)
        if host not in live_tasks:
            known_task(task)
        address = id(timeout)
        caller = _getframe(2)
        stack = (scope_stack(caller) if _state.level == 1 else 0) or place_of(caller, host)
        when = timeout._when
        t = _now()
        if when is not None and when < _FAR:
            due = floor(when * 1e9) + _to_start
            # OP_SCOPE_ENTER, SCOPE_ASYNCIO_TIMEOUT; OP_SCOPE_META
            row = (20, t, address, host, 3, stack, 23, t, address, 0, due if due > 0 else 0, 0)
            kept = True  # by the loop, until it fires
        else:
            row = (20, t, address, host, 3, stack)
            kept = False
        if host in innermost:
            outer_of[address] = innermost[host]
        open_scopes[address] = row
        innermost[host] = address
        if not kept:
            watch(timeout)
        _extend(row)
        if _by_code:
            scopes.in_generator(address, caller)
    except Exception as error:
        core.fail(_TIMEOUT, error)
    return timeout


def _enter_group(group):
    try:
        task = group._parent_task
        host = id(task)
        if host not in live_tasks:
            known_task(task)
        scopes.entered(id(group), host, 4, _getframe(2), watched=group)  # SCOPE_ASYNCIO_TASK_GROUP
    except Exception as error:
        core.fail(_GROUP, error)
    return group


def _left(scope):
    try:
        left(scope, _getframe(2))
    except Exception as error:
        core.fail("scopes.exit", error)


def _left_timeout(timeout, kind):
    try:
        left(timeout, _getframe(2), kind is not None and timeout._state.name == "EXPIRED")
    except Exception as error:
        core.fail("scopes.exit", error)


@core.hook(_TIMEOUT)
def _timeout_fires(timeout):
    watch(timeout)
    scopes.cancelled(timeout, wire.REASON_DEADLINE, None)
    return scopes.delivering(timeout, timeout)


@core.hook(_GROUP)
def _group_aborts(group):
    caller = _getframe(3)
    by_child = caller.f_code.co_name == "_on_task_done"
    scopes.cancelled(
        group, wire.REASON_CHILD_FAILED if by_child else wire.REASON_HOST_FAILED, None if by_child else caller
    )
    return scopes.delivering(group, group)


@core.hook(_GROUP)
def _child_failed(group):
    return scopes.acting_for(group)


@core.hook("scopes.asyncio.delivery")
def _ends(before):
    scopes.delivered(before or 0)


@core.hook(_TIMEOUT)
def _rescheduled(timeout, when):
    if timeout._state.value != "active":  # it will be refused
        return
    scopes.changed(timeout, deadline_ns(when), 0)
    if when is None:
        watch(timeout)


def _born_in(group, task):
    try:
        if task is not None:
            _extend((9, _now(), id(task), id(group), 0, 0))  # OP_TASK_GROUP
    except Exception as error:
        core.fail(_GROUP, error)
    return task
