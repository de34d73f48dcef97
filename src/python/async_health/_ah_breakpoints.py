"""Breakpoints that are set while coroutines are suspended.

With sys.monitoring (CPython 3.12 and later) pydevd looks for a function's breakpoints when the function starts, and when
breakpoints change once more at the frames on the threads' stacks. A suspended coroutine is on no stack, so in one that
runs for good (`while True: await ...`) a new breakpoint would never be met. Here pydevd is shown the frames of all tasks.
"""

import time

from . import _ah_awaiters as awaiters
from . import _ah_channel as channel
from . import _ah_core as core
from . import _ah_pydevd as pydevd

#: Tasks looked at without a rest for other threads: about 0.3 ms.
_SLICE = 200
_REST_S = 0.0005

_changed = False


def install(_options):
    core.on_start(_hook)
    core.on_poll(_look)
    _hook()


def _hook():
    if pydevd.db() is not None:
        pydevd.on_breakpoints_added(_note_change)


def _note_change():
    """In pydevd's own thread, for each breakpoint of a request: the work is done once, by ours."""
    global _changed
    _changed = True
    channel.wake()


def _look():
    global _changed
    if not _changed:
        return
    _changed = False
    seen = set()
    tasks = awaiters.asyncio_tasks()
    tasks.extend(task for task, _runner in awaiters.trio_tasks())
    for start in range(0, len(tasks), _SLICE):
        if start:
            time.sleep(_REST_S)
        frames = []
        for task in tasks[start : start + _SLICE]:
            codes = awaiters.chain_codes(awaiters.coroutine_of(task))
            if not seen.issuperset(codes):  # one frame stands for all of its function
                seen.update(codes)
                frames.extend(awaiters.task_frames(task))
        if frames:
            pydevd.look_for_breakpoints(frames)
