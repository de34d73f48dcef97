"""Where a task is created: the first frame that is not asyncio's own way to make one, and its callers.

To ask for a frame object of a function that is about to end costs several times as much as of one that goes on (it is made
anew on every call), so the frames of asyncio's and anyio's creators are passed over without being touched where possible.
"""

import sys
from _thread import get_ident

from . import _ah_core as core
from ._ah_intern import DEPTHS, stack_id, standard_stack

#: By thread ident: (qualified name, creation stack) of the coroutine that the next task is really about: anyio wraps it in
#: one of its own.
announced = {}

_getframe = sys._getframe
_state = core.state
_walk = standard_stack
#: 3.12 and later: the name of the module of the frame at a depth, which makes no frame object.
_module_of = getattr(sys, "_getframemodulename", None)
#: Code of asyncio's functions whose caller is what counts; before 3.12.
_create_task = _ensure_future = None


def install(tasks_module):
    """Learn asyncio's own creators; the module is imported."""
    global _create_task, _ensure_future
    _create_task = getattr(tasks_module.create_task, "__code__", None)
    _ensure_future = getattr(tasks_module, "_ensure_future", tasks_module.ensure_future).__code__


def creation_stack(above=1):
    """Stack id of the creation of the task that is just being registered; 0 at level `light`.

    To be called by the hook itself: frame 0 is this, 1 the hook, 2 what registers (`BaseEventLoop.create_task`, or whoever
    called the class), 3 its caller. `above`: how many frames up from the hook is the first that may be shown (2 where a
    wrapper of ours lies between). About 500 ns.
    """
    level = _state.level
    if level == 1:  # STANDARD
        if _module_of is not None:
            caller = _module_of(3)
            if caller == "asyncio.tasks" or caller == "asyncio.taskgroups":
                return _walk(_getframe(4))
            return _walk(_getframe(3 if _module_of(2) == "asyncio.base_events" else above + 1))
        frame = _getframe(3)
        code = frame.f_code
        return _walk(frame.f_back if code is _create_task or code is _ensure_future else _getframe(above + 1))
    return stack_id(_getframe(above + 1), DEPTHS[level]) if level else 0


def announce(name, frame):
    """The next task of this thread is about the coroutine function `name`, started by `frame`."""
    level = _state.level
    stack = _walk(frame) if level == 1 else stack_id(frame, DEPTHS[level]) if level else 0
    announced[get_ident()] = (name, stack)


def withdraw():
    """Whatever was announced has been used or not."""
    announced.pop(get_ident(), None)
