"""Failures that nobody looks at, and use of a loop's things from elsewhere.

- exceptions never retrieved and other errors given to the loop's exception handler (`_ah_unseen`: those of tasks that are kept);
- coroutines dropped unrun, from the runtime's own warning function (the warning itself stays as it is);
- primitives used from another loop, futures of another loop awaited, `call_soon` from another thread.
"""

import _thread
import sys
import types

from . import _ah_core as core
from . import _ah_intern as intern
from . import _ah_locks as locks
from . import _ah_splice as splice
from . import _ah_unseen as unseen
from ._ah_task_facts import coroutine_of, exception_text, traceback_id
from ._ah_tasks import failure_callbacks

HANDLER = "asyncio.call_exception_handler"
UNAWAITED = "warnings.unawaited"
WRONG_LOOP = "asyncio.wrong_loop"

_MAX_REPORTED = 1000

AH = locks.Hooks()
_reported = set()  # (what, code name, line) of wrong uses already told


# --- the loop's exception handler -------------------------------------------------------------------------------------


@core.hook(HANDLER)
def _handled(loop, context):
    error = context.get("exception")
    future = context.get("task") or context.get("future")
    if error is None:
        # "Task was destroyed but it is pending" has its own row; anything else is worth a note.
        # An unclosed aiohttp session has its own row as well; its connector is reported right behind it.
        if "task" in context or "client_session" in context or "connector" in context:
            return
        core.note(_loop_note(context, None))
        return
    asyncio_tasks = sys.modules.get("asyncio.tasks")
    is_task = asyncio_tasks is not None and isinstance(future, (asyncio_tasks.Task, asyncio_tasks._PyTask))
    if future is not None and future.done() and not future.cancelled() and getattr(future, "_exception", None) is error:
        note = {
            "kind": "exception-never-retrieved",
            "task": id(future) if is_task else 0,
            "exception": exception_text(error),
            "stack": traceback_id(error),
            "creation": 0,
            "message": str(context.get("message") or ""),
        }
        if is_task:
            note["taskName"] = future.get_name()
        core.note(note)
        return
    core.note(_loop_note(context, error))


def _loop_note(context, error):
    return {
        "kind": "loop-exception",
        "message": str(context.get("message") or "")[:500],
        "exception": exception_text(error) if error is not None else "",
        "task": core.current_task_id(),
        "stack": traceback_id(error) if error is not None else 0,
    }


AH.handled = _handled


def _install_handler(module):
    base = sys.modules["asyncio.base_events"].BaseEventLoop
    splice.apply(HANDLER, base.call_exception_handler, splice.prepend("AH.handled(self, context)", AH))
    # `call_soon` and `call_at` ask `_check_closed` first, and so does `call_soon_threadsafe`, which may come from anywhere.
    # Which loop runs in this thread is known to C for less than a number for the thread; before 3.12 it costs a getpid.
    running = sys.modules["asyncio.events"]._get_running_loop
    if sys.version_info >= (3, 12) and isinstance(running, types.BuiltinFunctionType):
        told, first = "if _ah_running() is not self and self._thread_id is not None: AH.foreign(self)", running
    else:
        told, first = (
            "if self._thread_id is not None and _ah_running() != self._thread_id: AH.foreign(self)",
            _thread.get_ident,
        )
    edits = splice.prepend(told, AH), splice.prepend("_ah_running = AH", first)
    splice.apply(WRONG_LOOP, base._check_closed, *edits)
    AH.run_code = splice.original_code(sys.modules["asyncio.events"].Handle._run)
    for module_name, names in (
        ("base_futures", ("_future_repr", "_future_repr_info")),
        ("base_tasks", ("_task_repr", "_task_repr_info")),
    ):
        owner = sys.modules.get("asyncio." + module_name)
        for name in names:
            function = getattr(owner, name, None)
            if function is not None:  # 3.11 and later have the first, before the second is what C calls
                function = _below_recursive_repr(splice.underlying(function))
                text = "AH.shown(%s)" % function.__code__.co_varnames[0]
                splice.apply(WRONG_LOOP, function, splice.prepend(text, AH))
                break
    mixins = sys.modules.get("asyncio.mixins")
    if mixins is not None and sys.version_info >= (3, 10):
        splice.apply(
            WRONG_LOOP, mixins._LoopBoundMixin._get_loop, splice.before(splice.raises, "AH.wrong(self, loop)", AH)
        )


def _below_recursive_repr(function):
    """`reprlib.recursive_repr` says what it wraps from 3.13 on only."""
    for cell in function.__closure__ or ():
        if function.__code__.co_filename.endswith("reprlib.py") and hasattr(cell.cell_contents, "__code__"):
            return cell.cell_contents
    return function


def _install_uvloop(module):
    original = module.Loop.call_exception_handler

    def call_exception_handler(self, context):
        _handled(self, context)
        return original(self, context)

    core.patch(module.Loop, "call_exception_handler", call_exception_handler, HANDLER)


# --- coroutines dropped unrun -----------------------------------------------------------------------------------------


@core.hook(UNAWAITED)
def _unawaited(coroutine):
    code = getattr(coroutine, "cr_code", None)
    name = getattr(coroutine, "__qualname__", None) or type(coroutine).__name__
    origin = getattr(coroutine, "cr_origin", None)
    if origin:
        stack = _origin_id(origin)
    elif _thread.get_ident() == core.state.thread_ident and code is not None:
        # The collector ran on the probe's thread: where it was dropped says nothing, so where it is defined.
        stack = intern.frames_id((code,), (-1,), False)
    else:
        # Most often the very line that called the function and dropped the result.
        stack = core.stack_id(sys._getframe(3), 20)
    core.note({"kind": "never-awaited", "coroutine": name, "stack": stack})


def _origin_id(origin):
    """Stack id of `cr_origin`: (file, line, function), innermost first."""
    codes = []
    template = _origin_id.__code__
    for file, line, function in origin[:20]:
        # Equality of code objects leaves the file out, so it goes into the constants as well.
        codes.append(
            template.replace(
                co_filename=file, co_name=function, co_firstlineno=line, co_consts=(file,), **_qualname(function)
            )
        )
    return intern.frames_id(tuple(codes), (-1,) * len(codes), False)


def _qualname(name):
    return {"co_qualname": name} if sys.version_info >= (3, 11) else {}


AH.unawaited = _unawaited


# --- wrong loop -------------------------------------------------------------------------------------------------------


def note_wrong_loop(thing, what, running, expected, frame, stack=None, task=None):
    """Say that `thing` (described by `what`) of loop `expected` is used from `running` (None: no loop runs in this thread).

    `frame` is where; `stack` its stack id when it is not that of a running frame.
    """
    key = (what, frame.f_code.co_filename, frame.f_lineno) if frame is not None else (what, id(thing))
    if key in _reported:
        return
    if len(_reported) >= _MAX_REPORTED:
        _reported.clear()
    _reported.add(key)
    if stack is None:
        stack = core.stack_id(frame, 20) if frame is not None else 0
    address = id(task) if task is not None else core.current_task_id()
    core.note(
        {
            "kind": "wrong-loop",
            "object": id(thing) if thing is not None else 0,
            "what": what,
            "task": address,
            "loop": id(running) if running is not None else 0,
            "expectedLoop": id(expected) if expected is not None else 0,
            "stack": stack,
        }
    )
    text = "%s belongs to another event loop or thread." % what
    core.violation("wrong-loop", frame, {"message": text, "task": address})


@core.hook(WRONG_LOOP)
def _wrong(thing, running):
    family = locks.family_of(thing)
    label = family.label if family is not None else type(thing).__module__
    if "." not in label:
        label = "%s.%s" % (label, type(thing).__name__)
    note_wrong_loop(thing, label, running, thing._loop, locks.outside(sys._getframe(2).f_back))


@core.hook(WRONG_LOOP)
def _foreign(loop):
    """`call_soon` (directly, or by a future's `set_result`) from a thread that is not the loop's."""
    if loop._thread_id == _thread.get_ident():
        return  # it runs here, though another one does as well, or not by asyncio's own means
    frame = sys._getframe(2).f_back
    method = frame.f_code.co_name
    if method not in ("call_soon", "call_at"):
        return
    events = sys.modules["asyncio.events"]
    note_wrong_loop(loop, "loop.%s" % method, events._get_running_loop(), loop, locks.outside(frame.f_back or frame))


@core.hook(WRONG_LOOP)
def _shown(future):
    """The repr of a future is made. When a task awaits another loop's future, the task's step makes it for the error that
    it throws into the coroutine: the only sign of that which is seen whether or not the error is caught.
    """
    frame = sys._getframe(3)
    while frame is not None and frame.f_code.co_filename.endswith(_REPR_FILES):
        frame = frame.f_back
    if frame is None:
        return
    code = frame.f_code
    if code is not AH.run_code and not (code.co_name.startswith("__step") and code.co_filename.endswith("tasks.py")):
        return  # the program's own repr
    running = sys.modules["asyncio.events"]._get_running_loop()
    task = core.current_task()
    expected = future.get_loop()
    if running is None or task is None or expected is running:
        return
    coroutine = coroutine_of(task)
    innermost = coroutine
    for _ in range(64):
        inner = intern.next_awaited(innermost)
        if intern.frame_of(inner) is None:
            break
        innermost = inner
    frame = intern.frame_of(innermost)
    note_wrong_loop(future, type(future).__name__, running, expected, frame, core.chain_id(coroutine))


_REPR_FILES = ("base_futures.py", "base_tasks.py", "reprlib.py", "_ah_tasks.py", "_ah_core.py")


@core.hook(WRONG_LOOP)
def _task_failed(task, error, _text, stack):
    """On loops that are not asyncio's own (uvloop) the text of the error is all there is."""
    loop = getattr(task, "_loop", None)
    base = sys.modules["asyncio.base_events"].BaseEventLoop
    if type(error) is not RuntimeError or isinstance(loop, base) or "attached to a different loop" not in str(error):
        return
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    frame = traceback.tb_frame if traceback is not None else None
    note_wrong_loop(None, "Future", loop, None, frame, stack, task)


AH.wrong, AH.foreign, AH.shown = _wrong, _foreign, _shown


def install(options):
    """Put the hooks in, now or once asyncio is imported."""
    core.on_start(_forget)
    failure_callbacks.append(_task_failed)
    failure_callbacks.append(unseen.failed)
    unseen.install(options)
    core.on_import("asyncio", _install_handler)
    core.on_import("uvloop", _install_uvloop)
    core.on_import("warnings", _install_warnings)


def _forget():
    _reported.clear()


def _install_warnings(module):
    function = getattr(module, "_warn_unawaited_coroutine", None)
    if function is None:
        core.missing(UNAWAITED, "warnings._warn_unawaited_coroutine is not there")
        return
    splice.apply(UNAWAITED, function, splice.prepend("AH.unawaited(coro)", AH))
