"""Who cancels a task: `Task.cancel` and `uncancel`, of the C type and of Python tasks.

The C type takes no attributes, but its dictionary can be reached and changed; call sites that ran before and cached the
method (only when attaching to a running program, 3.12+) are refreshed through ctypes where the program has it loaded.
"""

import gc
import sys
from _thread import get_ident

from . import _ah_core as core
from . import _ah_wire as wire
from ._ah_inject import inject
from ._ah_intern import DEPTHS, stack_id, string_id
from ._ah_task_facts import explicit_name, reason_id

#: Cancelled tasks that have not ended: address of what they waited on then (0 = nothing). The sampler tells delivery by it.
pending = {}
#: The scope that is cancelling tasks right now, by thread ident; set by the scope hooks around their own `cancel()` calls.
acting = {}
_getframe = sys._getframe


def install(tasks, note_cancel=None):
    """Hook the C task's and the Python task's methods."""
    python_task = getattr(tasks, "_PyTask", None)
    if python_task is not None and python_task is not tasks.Task:
        _hook_python(python_task)
    if isinstance(vars(tasks.Task).get("cancel"), type(_hook_python)):
        _hook_python(tasks.Task)
    else:
        _hook_c(tasks.Task)


def _cancelled(task, message=None):
    """`cancel()` was called on a task that is not done."""
    try:
        if task.done():
            return
        address = id(task)
        waiter = getattr(task, "_fut_waiter", None)
        pending[address] = 0 if waiter is None else id(waiter)
        scope = acting.get(get_ident(), 0) if acting else 0
        # Frames: 0 this, 1 the wrapper or the method, 2 the caller.
        depth = DEPTHS[core.state.level]
        stack = stack_id(_getframe(2), depth) if depth else 0
        core.emit(wire.OP_TASK_CANCEL, address, core.current_task_id(), scope, stack)
        name = explicit_name(task)  # it may be over before the sampler looks
        if name:
            core.emit(wire.OP_TASK_NAME, address, 0, string_id(name))
        if message is not None and not scope:  # a scope's message is the library's own
            number = reason_id(message)
            if number:
                core.emit(wire.OP_TASK_CANCEL_REASON, address, 0, number)
    except Exception as error:
        core.fail("tasks.cancel", error)


def _uncancelled(task, _message=None):
    try:
        left = max(0, task.cancelling() - 1)
        if not left:
            pending.pop(id(task), None)
        core.emit(wire.OP_TASK_UNCANCEL, id(task), core.current_task_id(), left)
    except Exception as error:
        core.fail("tasks.cancel", error)


def _hook_python(kind):
    told = "AH.cancel(self, msg)" if "msg" in kind.cancel.__code__.co_varnames else "AH.cancel(self)"
    if not inject(kind.cancel, "tasks.cancel", prologue=told, cancel=_cancelled):
        core.patch(kind, "cancel", _wrapper(kind.cancel, _cancelled), "tasks.cancel")
    if hasattr(kind, "uncancel"):
        if not inject(kind.uncancel, "tasks.cancel", prologue="AH.cancel(self)", cancel=_uncancelled):
            core.patch(kind, "uncancel", _wrapper(kind.uncancel, _uncancelled), "tasks.cancel")


def _wrapper(method, observe):
    def wrapper(self, *args, **keywords):
        observe(self, args[0] if args else keywords.get("msg"))
        return method(self, *args, **keywords)

    return wrapper


def _hook_c(kind):
    own = [found for found in gc.get_referents(kind.__dict__) if isinstance(found, dict) and "cancel" in found]
    if len(own) != 1:
        core.missing("tasks.cancel", "the dictionary of the task type cannot be reached")
        return
    table = own[0]
    for name, observe in (("cancel", _cancelled), ("uncancel", _uncancelled)):
        method = table.get(name)
        if method is None:
            continue
        wrapper = _wrapper(method, observe)
        wrapper.__name__ = name
        wrapper.__qualname__ = method.__qualname__
        wrapper.__doc__ = method.__doc__
        wrapper.__module__ = kind.__module__
        wrapper.__wrapped__ = method
        table[name] = wrapper

        def undo(name=name, method=method, wrapper=wrapper):
            if table.get(name) is wrapper:
                table[name] = method
                _refresh(kind)

        core.on_remove("tasks.cancel", undo)
    _refresh(kind)


def _refresh(kind):
    """Have the interpreter forget which methods it looked up on the type."""
    ctypes = sys.modules.get("ctypes")
    if ctypes is not None:
        try:
            ctypes.pythonapi.PyType_Modified(ctypes.py_object(kind))
            return
        except Exception:
            pass
    if sys.version_info >= (3, 14):
        sys._clear_internal_caches()
        return
    clear = getattr(sys, "_clear_type_cache", None)
    if clear is not None:
        import warnings

        with warnings.catch_warnings():  # 3.13 calls it deprecated
            warnings.simplefilter("ignore")
            clear()
