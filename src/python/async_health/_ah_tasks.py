"""Birth, end, cancellation and loss of asyncio tasks: C tasks, Python tasks, uvloop, task factories, eager tasks.

Birth is seen where every task registers itself (the registry's `add`), the end by a done callback that `call_soon` runs on
the spot, so it costs no turn of the loop; a loss by the registry's weak reference. Nothing of the user's is referred to after.
"""

import contextvars
import sys
from types import CoroutineType
from weakref import ref

from . import _ah_core as core
from . import _ah_task_places as places
from . import _ah_tasks_cancel as cancels
from . import _ah_wire as wire
from ._ah_inject import inject
from ._ah_intern import DEPTHS, stack_id, string_id
from ._ah_pace import paced
from ._ah_pack import SLICE as _SLICE
from ._ah_pack import pack_while_hot
from ._ah_task_facts import (
    coroutine_of,
    current_finder,
    eager_origin,
    exception_text,
    explicit_name,
    loop_of,
    name_of,
    own_add_done_callback,
    plain_current_finder,
    traceback_id,
)
from ._ah_tasks_repr import hide_from_repr

_now = core.now
_extend = core.extend
_buf = core.buf
_getframe = sys._getframe
_pending = cancels.pending

#: Rows of the tasks that live, by address: what a sync restates, and how a loss is told from an end.
live = {}
pop_live = live.pop
scoped = {}  # `_ah_scopes.innermost`: a host that ends with a scope open is told by its name

#: `callback(task, exception, text_of_it, stack_id)` when a task failed; `_ah_exceptions` looks at it.
failure_callbacks = []

#: Callbacks run on the spot get this context: the program's own must be neither kept nor seen.
_EMPTY = contextvars.Context()
_contexts = {}

_task_type = _handle = None
_tasks_module = None
_current_of = {}.get
#: Weak sets that hold the tasks (asyncio's own).
registries = []
#: `_ah_tasks_314`'s weak references to pending C tasks, by address; empty before 3.14.
own_refs = {}


def install(_options):
    """Set the hooks once asyncio is imported."""
    core.on_sync(_sync)
    core.on_start(_forget)
    core.on_import("asyncio", _install)


def _forget():
    """A new listener, or a forked child: string and stack ids of old rows mean nothing any more."""
    for address, row in list(live.items()):
        live[address] = row[:4] + (0, 0)


def _install(asyncio):
    global _task_type, _tasks_module, _newest, _current_of, _find_current, _handle
    tasks = _tasks_module = asyncio.tasks
    events = sys.modules["asyncio.events"]
    base_events = sys.modules["asyncio.base_events"]
    _task_type = tasks.Task
    if sys.version_info >= (3, 14):
        from . import _ah_tasks_314 as _newest

        _current_of = _newest.current_of(tasks)
        _find_current = _newest.current_finder(tasks, events)
    else:
        current = getattr(tasks, "_current_tasks", None)
        if isinstance(current, dict):
            _current_of = current.get
            _find_current = current_finder(current, events)
        else:
            _find_current = plain_current_finder(asyncio)
    core.current_task_finders.insert(0, _find_current)
    _handle = events.Handle
    core.set_stack_boundary(_handle._run.__code__)
    places.install(tasks)
    _hook_done(base_events, sys.modules.get("asyncio.base_futures"))
    registry = getattr(tasks, "_scheduled_tasks", None)
    if registry is None:  # not `or`: an empty registry is false
        registry = getattr(tasks, "_all_tasks", None)
    if registry is None:
        core.missing("tasks.created", "asyncio.tasks has no registry of tasks")
    else:
        from . import _ah_task_births as births  # it needs what stands here

        registries.append(registry)
        births.hook_registry(registry, _task_type, _current_of)
    if _newest is not None:
        _newest.install(tasks, base_events)
    elif sys.version_info >= (3, 12):
        returns = "AH.born(VALUE, coro) if self._task_factory is not None else VALUE"
        create = base_events.BaseEventLoop.create_task
        if not inject(create, "tasks.create_task", returns=returns, born=_born):
            core.missing("tasks.create_task", "no source of BaseEventLoop.create_task")
    cancels.install(tasks, note_cancel=None)
    for task in all_tasks():
        known(task)


def current_task():
    """The asyncio task that runs in this thread, or None. Its work is done by what `_install` found to be quickest."""
    return None if _find_current is None else _find_current()


_find_current = None
#: `_ah_tasks_314` where it is needed.
_newest = None


def find_current():
    """The function behind `current_task`, for those who call it very often; asyncio is imported."""
    return _find_current


# --- birth --------------------------------------------------------------------------------------------------------


def _context_for(loop):
    """The context for done callbacks on `loop`. Loops that run them on the spot share one; others may run in parallel
    threads, and a context cannot be entered twice, so each has its own."""
    kind = type(loop)
    if kind in _contexts:
        return _EMPTY
    base = sys.modules["asyncio.base_events"].BaseEventLoop
    if isinstance(loop, base) and kind.call_soon is base.call_soon:
        _contexts[kind] = _EMPTY
        return _EMPTY
    key = id(loop)
    context = _contexts.get(key)
    if context is None:
        from . import _ah_loop

        context = _contexts[key] = contextvars.Context()
        _ah_loop.foreign(loop)
    return context


def _born_otherwise(task, frame=None):
    """Birth of a task that lacks what asyncio's own have: a foreign class, or a coroutine-like without a name."""
    try:
        address = id(task)
        own = type(task) is _task_type  # an eager one that acts, or a coroutine-like: pending, as it came here
        if address in live or not own and getattr(task, "done", bool)():
            return
        loop = task._loop if own else loop_of(task)
        creator = _current_of(loop) if loop is not None else None
        coroutine = task._coro if own else coroutine_of(task)
        if creator is task:
            creator, frame = eager_origin(coroutine, _handle._run.__code__)
        parent = id(creator) if creator is not None else 0
        name = coroutine.__qualname__ if type(coroutine) is CoroutineType else str(name_of(coroutine))
        row = (1, _now(), address, parent, string_id(name), stack_id(frame, DEPTHS[core.state.level]))
        live[address] = row
        _extend(row)
        if not parent and loop is not None:
            core.emit(wire.OP_TASK_LOOP, address, id(loop))
        if own:
            task.add_done_callback(_done, context=_context_for(loop))
        elif loop is not None:
            own_add_done_callback(type(task))(task, _done, context=_context_for(loop))
    except (AttributeError, TypeError):
        return  # not a task in any sense we know
    except Exception as error:
        core.fail("tasks.created", error)


def known(task):
    """Make sure a task that acts has been announced (an eager task acts before it registers; others when we came late)."""
    address = id(task)
    if address in live:
        return
    try:
        if task.done():
            return
        _born_otherwise(task)
        if _newest is not None:
            _newest.watch(task)
    except Exception:
        pass


def _born(task, coroutine):
    """3.12 and 3.13: `create_task` of a loop with a factory; eager tasks may already be done."""
    try:
        if id(task) in live:
            return task
        if task.done():
            loop = loop_of(task)
            creator = _current_of(loop)
            parent = 0 if creator is None else id(creator)
            core.extend(
                (
                    1,
                    _now(),
                    id(task),
                    parent,
                    string_id(str(name_of(coroutine))),
                    stack_id(_getframe(1), DEPTHS[core.state.level]),
                )
            )
            live[id(task)] = None
            _done(task)
        else:
            _born_otherwise(task, _getframe(1))
    except Exception as error:
        core.fail("tasks.create_task", error)
    return task


def all_tasks():
    """Strong references to all tasks that are known to asyncio now; drop them soon. Not all are pending."""
    found = []
    for registry in registries:
        for reference in list(registry.data):
            task = reference()
            if task is not None:
                found.append(task)
    eager = getattr(_tasks_module, "_eager_tasks", None)
    if eager:
        found.extend(list(eager))
    if _newest is not None:
        found.extend(task for task in (reference() for reference in list(own_refs.values())) if task is not None)
        found.extend(_newest.listed_tasks())
    return found


def references():
    """Weak references to all tasks that are known to asyncio now: for walks that rest, and must keep no task alive meanwhile."""
    found = []
    for registry in registries:
        found.extend(list(registry.data))
    found.extend(map(ref, list(getattr(_tasks_module, "_eager_tasks", None) or ())))
    if _newest is not None:
        found.extend(list(own_refs.values()))
        found.extend(map(ref, _newest.listed_tasks()))
    return found


def find_task(address):
    """The live task at an address, or None. Walks all references: for rare requests only."""
    for task in all_tasks():
        if id(task) == address:
            return task
    return None


# --- end ----------------------------------------------------------------------------------------------------------


def _hook_done(base_events, base_futures):
    loop_type = base_events.BaseEventLoop
    name = "tasks.done"
    if not inject(
        loop_type.call_soon,
        name,
        prologue="_ah_done = AH\nif callback is _ah_done: return _ah_done(args[0])",
        constant=_done,
    ):
        plain = loop_type.call_soon

        def call_soon(self, callback, *args, **keywords):
            if callback is _done:
                return _done(*args)
            return plain(self, callback, *args, **keywords)

        core.patch(loop_type, "call_soon", call_soon, name)
    if base_futures is not None and hasattr(base_futures, "_future_repr_info"):
        hide_from_repr(base_futures, _done)


def _done(task):
    """A task ended. Reads `_exception`, which unlike `exception()` leaves "never retrieved" as it is."""
    try:
        address = id(task)
        if pop_live(address, 0) == 0:
            return
        if own_refs:
            own_refs.pop(address, None)
        if scoped and address in scoped:
            core.emit(wire.OP_TASK_NAME, address, 0, string_id(explicit_name(task)))
        exception = task._exception
        if exception is None:
            if task._state == "CANCELLED":
                _cancelled(task, address)
            else:
                _extend((2, _now(), address, 0, 0, 0))  # OP_TASK_END, OUTCOME_OK
        else:
            _failed(task, address, exception)
        if _pending:
            _pending.pop(address, None)
        if len(_buf) >= _SLICE:
            pack_while_hot()
    except AttributeError:
        _done_otherwise(task)
    except Exception as error:
        core.fail("tasks.done", error)


def _cancelled(task, address):  # as _failed, in place of which a step puts its own (`_ah_step_exits`)
    _extend((2, _now(), address, 0, 1, 0))  # OP_TASK_END, OUTCOME_CANCELLED


def _failed(task, address, exception):
    if sys.version_info >= (3, 11) and not isinstance(exception, BaseException):
        exception = None
    name = explicit_name(task)
    if name:
        core.emit(wire.OP_TASK_NAME, address, 0, string_id(name))
    if isinstance(exception, sys.modules["asyncio.exceptions"].CancelledError):
        core.emit(wire.OP_TASK_END, address, 0, wire.OUTCOME_CANCELLED, 0)
        return
    text, stack = exception_text(exception), traceback_id(exception)
    core.emit(wire.OP_TASK_END, address, string_id(text), wire.OUTCOME_FAILED, stack)
    for callback in failure_callbacks:
        callback(task, exception, text, stack)


def _done_otherwise(task):
    try:
        core.emit(wire.OP_TASK_END, id(task), 0, wire.OUTCOME_CANCELLED if task.cancelled() else wire.OUTCOME_OK, 0)
    except Exception:
        pass


def _dropped(address):
    del live[address]
    if _pending:
        _pending.pop(address, None)
    _extend((2, _now(), address, 0, 3, 0))  # OP_TASK_END, OUTCOME_DROPPED


# --- snapshot -----------------------------------------------------------------------------------------------------


def _sync():
    """State again all live tasks, with the time and place of their creation as far as known."""
    loops_of = {}
    for reference in paced(references()):
        task = reference()
        if task is None:
            continue
        known(task)
        address = id(task)
        row = live.get(address)
        if row is None:
            continue
        if not row[4]:  # texts were forgotten for a new listener
            row = row[:4] + (string_id(str(name_of(coroutine_of(task)))), row[5])
            if address in live:
                live[address] = row
        loop = loop_of(task) if not row[3] else None
        if loop is not None:
            loops_of[address] = id(loop)
        task = None  # not kept while the walk rests
    for address in paced(list(live)):  # in the order of birth
        row = live.get(address)
        if row is not None:
            _extend(row)
            if address in loops_of:
                _extend((11, _now(), address, loops_of[address], 0, 0))
