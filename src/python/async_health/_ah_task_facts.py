"""What can be told of a task, its coroutine and its exception, whatever their class; nothing here keeps state."""

import gc
from _thread import get_ident
from weakref import ref

from ._ah_intern import frames_id, string_id

_MAX_EXCEPTION = 400
_MAX_TRACEBACK = 32
_MAX_REASON = 200


def current_finder(current, events):
    """The running task of this thread. `asyncio.current_task` costs a getpid before 3.12; with one loop this does not."""
    running = events._get_running_loop
    loops = {}

    def find():
        if not current:
            return None
        ident = get_ident()
        known = loops.get(ident)
        if known is not None:
            loop = known()
            if loop is not None:
                task = current.get(loop)
                if task is not None:
                    return task
        loop = running()
        if loop is None:
            return None
        try:
            loops[ident] = ref(loop)
        except TypeError:
            pass
        return current.get(loop)

    return find


def plain_current_finder(asyncio):
    def find():
        try:
            return asyncio.current_task()
        except RuntimeError:
            return None

    return find


def own_add_done_callback(kind):
    """asyncio's own `add_done_callback` of a task class: one that a program's subclass overrides must not see ours."""
    if kind.__module__ == "_asyncio":
        return kind.add_done_callback
    for base in kind.__mro__:
        if base.__module__ in ("_asyncio", "asyncio.tasks", "asyncio.futures") and "add_done_callback" in vars(base):
            return vars(base)["add_done_callback"]
    return kind.add_done_callback


def name_of(coroutine):
    if type(coroutine).__name__ == "async_generator_athrow":  # a finaliser's task drives `generator.aclose()` itself
        for generator in gc.get_referents(coroutine):
            if hasattr(generator, "ag_code"):
                return generator.__qualname__ + ".aclose"
    return (
        getattr(coroutine, "__qualname__", None) or getattr(coroutine, "__name__", None) or type(coroutine).__qualname__
    )


def coroutine_of(task):
    """The coroutine a task drives, or None."""
    try:
        return task._coro
    except AttributeError:
        getter = getattr(task, "get_coro", None)
        return getter() if getter is not None else None


def loop_of(task):
    try:
        return task._loop
    except AttributeError:
        getter = getattr(task, "get_loop", None)
        return getter() if getter is not None else None


_COROUTINE = 0x280  # of coroutines and async generators


def eager_origin(coroutine, boundary):
    """(creating task, creating frame) of a task that runs `coroutine`; (None, None) unless this is its first step and an eager one.

    An eager task runs on top of what creates it. `boundary`: code of the frame in which the loop runs a callback. The
    creating task is None as well where eager tasks create one another, as only the outermost can be told.
    """
    body = getattr(coroutine, "cr_frame", None)
    frame = creating = body.f_back if body is not None else None
    if creating is None:
        return None, None
    code = creating.f_code  # each attribute of a frame is a call into C, so each is asked for once
    if code is boundary:
        return None, None
    bodies = 0
    is_body = code.co_flags & _COROUTINE
    while code is not boundary:
        frame = frame.f_back
        if frame is None:
            return None, creating
        code = frame.f_code
        above, is_body = is_body, code.co_flags & _COROUTINE
        if above and not is_body:
            bodies += 1
    if bodies != 1:
        return None, creating
    handle = frame.f_locals.get("self")
    return getattr(getattr(handle, "_callback", None), "__self__", None), creating


def explicit_name(task):
    try:
        return str(task.get_name())
    except Exception:
        return ""


def exception_text(exception):
    """`Type: message`, cut; the program's own `__str__` may fail or be long."""
    kind = type(exception)
    name = (
        kind.__qualname__
        if kind.__module__ in ("builtins", "__main__")
        else "%s.%s" % (kind.__module__, kind.__qualname__)
    )
    try:
        message = str(exception)
    except Exception:
        message = ""
    text = "%s: %s" % (name, message) if message else name
    return text if len(text) <= _MAX_EXCEPTION else text[:_MAX_EXCEPTION] + "…"


def reason_id(reason):
    """String id of the program's own word why it cancels, cut; 0 when that is no text (nothing of the program's is called)."""
    return string_id(reason if len(reason) <= _MAX_REASON else reason[:_MAX_REASON] + "…") if type(reason) is str else 0


def traceback_id(exception):
    """Stack id of where an exception was raised, innermost first."""
    codes = []
    lastis = []
    entry = exception.__traceback__
    while entry is not None and len(codes) < 200:
        codes.append(entry.tb_frame.f_code)
        lastis.append(entry.tb_lasti)
        entry = entry.tb_next
    codes.reverse()
    lastis.reverse()
    cut = len(codes) > _MAX_TRACEBACK
    return frames_id(tuple(codes[:_MAX_TRACEBACK]), tuple(lastis[:_MAX_TRACEBACK]) + ((-1,) if cut else ()), True)
