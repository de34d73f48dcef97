"""`asyncio.timeout` and `asyncio.TaskGroup` (3.11 and later).

Neither says a word when another task leaves it (3.11-3.13): the timeout then never fires, and a failing child no longer
cancels the body. So enter and exit are observed from inside their methods.
"""

import os
import sys
import time

from . import _ah_core as core
from . import _ah_scopes as scopes
from . import _ah_wire as wire
from ._ah_inject import inject
from ._ah_tasks import find_current
from ._ah_tasks import known as known_task
from ._ah_tasks import live as live_tasks

_getframe = sys._getframe
_TIMEOUT = "scopes.asyncio.timeout"
_GROUP = "scopes.asyncio.TaskGroup"
#: A deadline beyond this many seconds is none; infinity among them.
_FAR = 1e15
#: From the loops' clock to the rows' clock, ns.
_clock_offset = core.now() - time.monotonic_ns()
_state = core.state
_now = core.now
_extend = core.extend
open_scopes = scopes.open_scopes
entered = scopes.entered
left = scopes.left


def install(_options):
    core.on_import("asyncio", _install)


def _install(asyncio):
    if sys.version_info >= (3, 12):
        scopes.running_task = asyncio.tasks.current_task
    else:
        scopes.running_task = find_current()
    scopes.add_library(os.path.dirname(asyncio.Lock.acquire.__code__.co_filename) + os.sep)
    scopes.describers[wire.SCOPE_ASYNCIO_TIMEOUT] = lambda scope: (0, deadline_ns(scope._when), 0)
    timeouts = sys.modules.get("asyncio.timeouts")
    if timeouts is not None:
        kind = timeouts.Timeout
        _edit(kind.__aenter__, _TIMEOUT, epilogue="AH.enter(self)", enter=_enter_timeout)
        _edit(
            kind.__aexit__,
            _TIMEOUT,
            prologue="_ah_open = AH.leave(self, exc_type)",
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
        # Its own `__aenter__` calls it too, ahead of our note of the entry.
        _edit(
            kind.reschedule,
            _TIMEOUT,
            epilogue="if id(self) in AH.open: AH.changed(self)",
            open=open_scopes,
            changed=_rescheduled,
        )
    groups = sys.modules.get("asyncio.taskgroups")
    if groups is not None:
        kind = groups.TaskGroup
        _edit(kind.__aenter__, _GROUP, epilogue="AH.enter(self)", enter=_enter_group)
        _edit(
            kind.__aexit__,
            _GROUP,
            prologue="_ah_open = AH.leave(self, et)",
            epilogue="if _ah_open: AH.left(self)",
            leave=scopes.leave,
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
    due = int(when * 1e9) + _clock_offset - _state.t0
    return due if due > 0 else 0


# The frames: 0 the function here, 1 the instrumented method, 2 its caller.


def _enter_timeout(timeout):
    # In the `finally` of the method, so the entry may have failed.
    try:
        task = timeout._task
        address = id(timeout)
        if task is None or address in open_scopes:
            return
        host = id(task)
        if host not in live_tasks:
            known_task(task)
        when = timeout._when
        due = int(when * 1e9) + _clock_offset - _state.t0 if when is not None and when < _FAR else -1
        entered(address, host, 3, _getframe(2), due, 0, timeout)  # SCOPE_ASYNCIO_TIMEOUT
    except Exception as error:
        core.fail(_TIMEOUT, error)


def _enter_group(group):
    try:
        task = group._parent_task
        address = id(group)
        if task is None or address in open_scopes:
            return
        host = id(task)
        if host not in live_tasks:
            known_task(task)
        entered(address, host, 4, _getframe(2), watched=group)  # SCOPE_ASYNCIO_TASK_GROUP
    except Exception as error:
        core.fail(_GROUP, error)


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
def _rescheduled(timeout):
    scopes.changed(timeout, deadline_ns(timeout._when), 0)


def _born_in(group, task):
    try:
        if task is not None:
            _extend((9, _now(), id(task), id(group), 0, 0))  # OP_TASK_GROUP
    except Exception as error:
        core.fail(_GROUP, error)
    return task
