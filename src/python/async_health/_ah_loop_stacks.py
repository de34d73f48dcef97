"""What the thread of a loop does just now, read from the probe's thread."""

import sys

from . import _ah_intern
from ._ah_intern import frames_id

#: Frames kept of a deep stack: the innermost, where the thread is, and the outermost, where the task's own code is. Between
#: them a nest of imports may have hundreds.
_INNERMOST, _OUTERMOST = 30, 10
_MAX_WALK = 2000


def current_task_of(loop):
    """The task that runs in a loop just now, or None."""
    if loop is None:
        return None
    tasks = sys.modules.get("asyncio.tasks")
    current = getattr(tasks, "_current_tasks", None)
    if isinstance(current, dict) and sys.version_info < (3, 14):
        return current.get(loop)
    try:
        return tasks.current_task(loop)
    except Exception:
        return None


def what_runs(thread, task):
    """Something that stays the same while one callback of a loop of asyncio's own runs in `thread`. `task`: its running task."""
    if task is not None:
        return id(task)
    boundary = _ah_intern._boundary
    frame = sys._current_frames().get(thread)
    above = None
    while frame is not None and frame.f_code is not boundary:
        above = frame.f_code
        frame = frame.f_back
    return id(above)


def paused_at_breakpoint(frame):
    """Is this thread held by the debugger?"""
    for _ in range(6):
        if frame is None:
            return False
        name = frame.f_code.co_filename
        if "pydevd" in name:
            return True
        frame = frame.f_back
    return False


def thread_stack(frame):
    """Stack id of a thread's frames down to the loop's own; of a deep one without its middle."""
    boundary = _ah_intern._boundary
    codes = []
    lastis = []
    while frame is not None and frame.f_code is not boundary:
        if len(codes) == _MAX_WALK:
            break
        codes.append(frame.f_code)
        lastis.append(frame.f_lasti)
        frame = frame.f_back
    if len(codes) > _INNERMOST + _OUTERMOST:
        codes[_INNERMOST:-_OUTERMOST] = ()
        lastis[_INNERMOST:-_OUTERMOST] = ()
    return frames_id(tuple(codes), tuple(lastis), True)
