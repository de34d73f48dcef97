"""How misuse of a scope is told to the violation callbacks, and in which frame."""

from . import _ah_core as core
from . import _ah_intern
from . import _ah_wire as wire

#: Columns of a SCOPE_ENTER row.
_HOST, _KIND, _STACK = 3, 4, 5
_library_paths = ()
_TITLES = {
    wire.SCOPE_OTHER: "scope",
    wire.SCOPE_ANYIO_CANCEL_SCOPE: "anyio.CancelScope",
    wire.SCOPE_ANYIO_TASK_GROUP: "anyio.TaskGroup",
    wire.SCOPE_ASYNCIO_TIMEOUT: "asyncio.timeout",
    wire.SCOPE_ASYNCIO_TASK_GROUP: "asyncio.TaskGroup",
    wire.SCOPE_TRACKED: "tracked_scope",
}


def add_library(path):
    """Frames of files below `path` are a library's: a violation is shown in the first frame outside of them."""
    global _library_paths
    if path not in _library_paths:
        _library_paths += (path,)
    _ah_intern.add_library(path)


def user_frame(frame):
    """The first frame outward from `frame` that is the program's own (or the outermost)."""
    found = frame
    while found is not None:
        name = found.f_code.co_filename
        if not (
            name.startswith(_library_paths)
            or name.endswith("contextlib.py")
            or name[-10:] == "_ah_api.py"
            or name[:1] == "<"
        ):
            return found
        found = found.f_back
    return frame


def is_finaliser(task):
    """Does the task drive an async generator's `aclose()` for the collector or the loop's shutdown?"""
    coroutine = getattr(task, "_coro", None)
    return type(coroutine).__name__ == "async_generator_athrow"


def tell_violation(row, address, leaver, flags, frame):
    if not core.violation_callbacks:
        return
    title = _TITLES.get(row[_KIND], "scope")
    code = "cross-task-exit" if flags & wire.EXIT_CROSS_TASK else "out-of-order-exit"
    if code == "cross-task-exit":
        message = "%s is left by another task than the one that entered it" % title
    else:
        message = "%s is left while a scope entered after it is still open" % title
    info = {
        "message": message,
        "scope": address,
        "kind": row[_KIND],
        "task": leaver,
        "host": row[_HOST],
        "stack": row[_STACK],
    }
    core.violation(code, user_frame(frame), info)
