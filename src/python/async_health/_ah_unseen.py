"""Tasks that have failed and are kept, while nobody looks at the failure.

asyncio complains when such a task is collected; one that an attribute or a list still refers to (a dead background worker,
most often) is never mentioned. What asyncio itself remembers for its complaint, `_log_traceback`, tells here as well.

The probe's thread must not be the last to let go of a task: its finaliser calls the program's exception handler. So it looks
through `weakref.proxy`, which holds the task for the one step in C only.
"""

import os
from weakref import proxy

from . import _ah_core as core
from ._ah_clock import clock as pauses
from ._ah_task_facts import traceback_id

HOOK = "tasks.unseen"

#: Failures that are followed at the same time; of more than that nothing is said before they are collected.
_MAX = 1000
#: Address of the task -> what is known of its failure, until somebody has looked or it is collected.
_unseen = {}
_state = {"limit": 10.0, "pid": 0}


class Failure:
    """A task that failed. `since`: seconds of the clock that stands still at a stop."""

    __slots__ = ("exception", "name", "since", "stack", "task", "told")

    def __init__(self, task, exception, stack):
        self.task = proxy(task)
        self.name = str(task.get_name())
        self.exception = exception
        self.stack = stack
        self.since = pauses.time()
        self.told = False


def install(options):
    """Look once a tick; `thresholds.unseenFailureMs` says when a failure has gone unseen for too long."""
    _state.update(limit=core.threshold_ms(options, "unseenFailureMs", 10_000) / 1000, pid=os.getpid())
    core.on_tick(_tick)
    core.on_sync(_restate)
    core.on_start(_forget)


@core.hook(HOOK)
def failed(task, _error, text, stack):
    """A task failed: what its error says, and the id of the stack where it was raised. asyncio's own mark comes after its callbacks."""
    address = id(task)
    before = _unseen.pop(address, None)
    if before is not None and before.told:  # another one had this address
        _over(address)
    if len(_unseen) < _MAX:
        _unseen[address] = Failure(task, text, stack)


def _tick():
    if not _unseen:
        return
    late = pauses.time() - _state["limit"]
    for address, failure in list(_unseen.items()):
        try:
            seen = not failure.task._log_traceback
        except (ReferenceError, AttributeError):  # collected (the loop's handler has told it), or a task class without
            seen = True
        if seen:
            if _unseen.get(address) is failure:
                del _unseen[address]
            if failure.told:
                _over(address)
        elif not failure.told and failure.since < late:
            failure.told = True
            _tell(address, failure)


def _tell(address, failure):
    if not failure.stack:
        try:
            failure.stack = traceback_id(failure.task._exception)
        except (ReferenceError, AttributeError):
            pass
    core.note(
        {
            "kind": "exception-unseen",
            "task": address,
            "taskName": failure.name,
            "exception": failure.exception,
            "stack": failure.stack,
            "ageMs": int((pauses.time() - failure.since) * 1000),
        }
    )


def _over(address):
    core.note({"kind": "exception-seen", "task": address})


def _restate():
    for address, failure in list(_unseen.items()):
        if failure.told:
            _tell(address, failure)


def _forget():
    """A new listener knows no stack ids; a forked child has none of its parent's tasks to run."""
    if _state["pid"] != os.getpid():
        _state["pid"] = os.getpid()
        _unseen.clear()
    for failure in list(_unseen.values()):
        failure.stack = 0
        failure.told = False
