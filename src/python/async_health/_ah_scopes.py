"""Cancel scopes, timeouts and task groups: who entered, who leaves, in what order, who cancels.

This module keeps the books for asyncio, anyio on asyncio, and tracked scopes; trio's are in `_ah_trio_scopes`. What
can only be judged here, with both tasks and the frame at hand, is judged here: exit by another task, exit out of order.
Everything is keyed by address; the weak reference per open scope tells when one is lost.
"""

import sys
from _thread import get_ident
from weakref import ref

from . import _ah_core as core
from . import _ah_intern
from . import _ah_tasks_cancel as cancels
from . import _ah_wire as wire
from ._ah_intern import DEPTHS, STANDARD_DEPTH, stack_id, standard_stack, string_id
from ._ah_tasks import current_task, scoped
from ._ah_tasks import live as live_tasks

_getframe = sys._getframe
_depths = DEPTHS
_now = core.now
_extend = core.extend
_state = core.state


class Open:
    """An entered scope. Made without a constructor: what is not set has its value from the class."""

    #: Weak reference to the scope, None where it takes none or is not watched.
    reference = None
    kind = 0
    #: Address of the task that entered.
    host = 0
    #: Address of the scope that was innermost for the host before, 0 for none.
    outer = 0
    row = ()
    #: EXIT_* bits found at the beginning of the exit, None before.
    flags = None
    #: Address of the task that leaves, once it does.
    leaver = 0
    deliveries = 0
    told = 0
    name = 0


#: Entered scopes by address.
open_scopes = {}
#: Address of the innermost open scope of each task, by the task's address.
innermost = scoped
#: `_ah_generators` where present, and its tables: empty while no generator is concerned.
_generators = None
_by_code = _scoped = None
_library_paths = ()
_TITLES = {
    wire.SCOPE_OTHER: "scope",
    wire.SCOPE_ANYIO_CANCEL_SCOPE: "anyio.CancelScope",
    wire.SCOPE_ANYIO_TASK_GROUP: "anyio.TaskGroup",
    wire.SCOPE_ASYNCIO_TIMEOUT: "asyncio.timeout",
    wire.SCOPE_ASYNCIO_TASK_GROUP: "asyncio.TaskGroup",
    wire.SCOPE_TRACKED: "tracked_scope",
}


def install(options):
    """Hook asyncio's and anyio's scopes once they are imported."""
    global _generators, _by_code, _scoped
    from . import _ah_scopes_anyio, _ah_scopes_asyncio

    core.on_tick(_tick)
    core.on_sync(_sync)
    core.on_start(_forget)
    try:
        from . import _ah_generators as _generators

        _by_code, _scoped = _generators.by_code, _generators.scoped
    except ImportError:
        _generators = None
    _ah_scopes_asyncio.install(options)
    _ah_scopes_anyio.install(options)


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


def entered(scope, task, kind, frame, deadline_ns=-1, flags=0, watch=True):
    """A scope was entered by `task` (object or None). `frame`: the caller of its `__enter__`. About 700 ns.

    `deadline_ns` on the probe's clock (since start), -1 for none; `flags`: SCOPE_FLAG_*. `watch`: tell when the scope is
    collected while open; not for kinds that a library keeps as long as they are open, which have an entry in `finders`.
    """
    address = id(scope)
    host = 0 if task is None else id(task)
    level = _state.level
    if not level or frame is None:
        stack = 0
    elif level == 1:  # STANDARD
        stack = standard_stack(frame)
    else:
        stack = stack_id(frame, _depths[level])
    if not stack and level:
        # Entered by a task made just for that (`wait_for(cm.__aenter__())`): the place is where the task was made.
        row = live_tasks.get(host)
        stack = row[5] if row is not None else 0
    known = Open()
    if watch:
        try:
            known.reference = ref(scope, _lost)
        except TypeError:
            pass
    known.kind = kind
    known.host = host
    outer = innermost.get(host)
    if outer is not None:
        known.outer = outer
    known.row = row = (20, _now(), address, host, kind, stack)  # OP_SCOPE_ENTER
    open_scopes[address] = known
    innermost[host] = address
    _extend(row)
    if deadline_ns >= 0 or flags:
        _extend((23, row[1], address, 0, deadline_ns, flags))  # OP_SCOPE_META
    if _by_code:
        _generators.scope_entered(address, frame)


def _lost(reference):
    try:
        for address, known in list(open_scopes.items()):
            if known.reference is reference:
                _close(address, known)
                core.emit(wire.OP_SCOPE_LOST, address)
                return
    except Exception:  # interpreter shutdown
        pass


def scopes_of(task):
    """Addresses of the open scopes of a task (given by its address), innermost first."""
    address = innermost.get(task, 0)
    found = []
    while address and len(found) < 1000:
        found.append(address)
        known = open_scopes.get(address)
        address = known.outer if known is not None else 0
    return found


def _close(address, known):
    open_scopes.pop(address, None)
    host = known.host
    if innermost.get(host) == address:
        if known.outer:
            innermost[host] = known.outer
        else:
            del innermost[host]
    else:  # out of order: take it out of the chain
        for other in scopes_of(host):
            inner = open_scopes.get(other)
            if inner is not None and inner.outer == address:
                inner.outer = known.outer
                break
    if _scoped:
        _generators.scope_left(address)


#: Kinds whose exit, when no exception comes, is over as soon as it begins: nothing is awaited in it.
_AT_ONCE = (wire.SCOPE_ANYIO_CANCEL_SCOPE, wire.SCOPE_ASYNCIO_TIMEOUT)
#: The quickest way to the task that runs here, where a loop runs: asyncio's own from 3.12 on (before, it costs a getpid).
running_task = current_task


def leave(scope, kind):
    """The exit of a scope of asyncio or anyio begins, with an exception of type `kind` or None.

    True when `left` is to be called at its end; False when all is told already (the usual case, about 400 ns) or the scope
    is not known to be open.
    """
    try:
        address = id(scope)
        known = open_scopes.get(address)
        if known is None:
            return False
        host = known.host
        if (
            kind is None
            and known.kind in _AT_ONCE
            and innermost.get(host) == address
            and id(running_task()) == host
            and _state.level != 2  # FULL tells the place of each exit
            and known.flags is None
        ):
            del open_scopes[address]
            if known.outer:
                innermost[host] = known.outer
            else:
                del innermost[host]
            if known.deliveries != known.told:
                _tell_deliveries(address, known)
            if _scoped:
                _generators.scope_left(address)
            _extend((21, _now(), address, host, 0, 0))  # OP_SCOPE_EXIT
            return False
        leaving(scope, current_task(), None, kind is not None)
        return True
    except Exception as error:
        core.fail("scopes.exit", error)
        return False


def leaving(scope, task, frame, with_exception=False):
    """The exit of a scope begins: judge who leaves and in what order. `frame`: the caller of its `__exit__`, None to find it.

    A violation is told to the violation callbacks here, in the offending thread and frame. Returns the EXIT_* bits,
    or None for a scope that is not known to be open.
    """
    address = id(scope)
    known = open_scopes.get(address)
    if known is None:
        return None
    if known.flags is not None:  # the exit of a group leaves its own scope: judged already
        return known.flags
    leaver = known.leaver = 0 if task is None else id(task)
    flags = 16 if with_exception else 0  # EXIT_WITH_EXCEPTION
    if leaver == known.host and innermost.get(leaver) == address:
        known.flags = flags
        return flags
    if leaver != known.host:
        flags |= wire.EXIT_CROSS_TASK
        if _is_finaliser(task):
            flags |= wire.EXIT_BY_FINALISER
    else:
        flags |= wire.EXIT_OUT_OF_ORDER
    known.flags = flags
    if task is not None:  # a young task's name may not be told yet, and this row is what users read
        name = getattr(task, "get_name", None)
        if name is not None:
            core.emit(wire.OP_TASK_NAME, leaver, 0, core.string_id(str(name())))
    _tell_violation(known, address, leaver, flags, frame)
    return flags


def _is_finaliser(task):
    """Does the task drive an async generator's `aclose()` for the collector or the loop's shutdown?"""
    coroutine = getattr(task, "_coro", None)
    return type(coroutine).__name__ == "async_generator_athrow"


def _tell_violation(known, address, leaver, flags, frame):
    if not core.violation_callbacks:
        return
    if frame is None or frame.f_code is _ah_intern._boundary:
        frame = _getframe(3)
    title = _TITLES.get(known.kind, "scope")
    code = "cross-task-exit" if flags & wire.EXIT_CROSS_TASK else "out-of-order-exit"
    if code == "cross-task-exit":
        message = "%s is left by another task than the one that entered it" % title
    else:
        message = "%s is left while a scope entered after it is still open" % title
    info = {
        "message": message,
        "scope": address,
        "kind": known.kind,
        "task": leaver,
        "host": known.host,
        "stack": known.row[5],
        "byFinaliser": bool(flags & wire.EXIT_BY_FINALISER),
    }
    core.violation(code, user_frame(frame), info)


def left(scope, frame, caught=False):
    """The exit of a scope that `leaving` has judged is over. `caught`: it absorbed a cancellation."""
    address = id(scope)
    known = open_scopes.get(address)
    if known is None or known.flags is None:
        return
    flags = known.flags
    if caught:
        flags |= wire.EXIT_CANCELLED_CAUGHT
    stack = 0
    if flags & 11 or core.state.level == core.FULL:  # misuse always with its place
        stack = stack_id(frame, _depths[core.state.level] or 8)
    if known.deliveries != known.told:
        _tell_deliveries(address, known)
    _close(address, known)
    _extend((21, _now(), address, known.leaver, flags, stack))  # OP_SCOPE_EXIT


def cancelled(scope, reason, frame):
    """`cancel()` of a scope takes effect."""
    depth = _depths[core.state.level]
    stack = stack_id(frame, depth) if depth else 0
    core.emit(wire.OP_SCOPE_CANCEL, id(scope), core.current_task_id(), reason, stack)


def changed(scope, deadline_ns, flags, parent=0):
    """Deadline or shield of an open scope changed."""
    if id(scope) in open_scopes:
        core.emit(wire.OP_SCOPE_META, id(scope), parent, deadline_ns, flags)


def named(scope, name):
    """The program gave a scope a name."""
    number = string_id(name)
    known = open_scopes.get(id(scope))
    if known is not None:
        known.name = number
    core.emit(wire.OP_SCOPE_NAME, id(scope), 0, number)


def delivering(scope, by):
    """A scope begins to deliver cancellations: tasks cancelled by this thread from now on are cancelled by `by`."""
    known = open_scopes.get(id(scope))
    if known is not None:
        known.deliveries += 1
    return acting_for(by)


def acting_for(by):
    """What this thread cancels from now on is cancelled by the scope `by`; end it with `delivered`."""
    ident = get_ident()
    before = cancels.acting.get(ident, 0)
    cancels.acting[ident] = id(by)
    return before


def delivered(before):
    """End of `delivering`; `before` is what that returned."""
    if before:
        cancels.acting[get_ident()] = before
    else:
        cancels.acting.pop(get_ident(), None)


def _tell_deliveries(address, known):
    if known.deliveries != known.told:
        known.told = known.deliveries
        core.emit(wire.OP_SCOPE_DELIVERIES, address, 0, known.deliveries)


def _tick():
    for address, known in list(open_scopes.items()):
        if known.deliveries != known.told:
            _tell_deliveries(address, known)


#: Functions `(scope) -> (parent, deadline_ns, flags)` by kind, for the sync.
describers = {}
#: Functions `() -> {address: scope}` by kind: the open scopes that are not watched, as their library knows them.
finders = {}


def _sync():
    found = {}
    for find in set(finders.values()):
        found.update(find())
    for address, known in list(open_scopes.items()):
        _extend(known.row)
        if known.name:
            core.emit(wire.OP_SCOPE_NAME, address, 0, known.name)
        scope = known.reference() if known.reference is not None else found.get(address)
        describe = describers.get(known.kind)
        if scope is not None and describe is not None:
            parent, deadline, flags = describe(scope)
            if parent or deadline >= 0 or flags:
                core.emit(wire.OP_SCOPE_META, address, parent, deadline, flags)
        known.told = 0
        _tell_deliveries(address, known)


def _forget():
    """Stack ids mean nothing to a new listener."""
    for known in list(open_scopes.values()):
        known.row = known.row[:5] + (0,)
        known.name = 0


@core.rpc("openScopes")
def _open_scopes(_params):
    """Entered scopes now, for diagnostics."""
    return [{"scope": address, "host": known.host, "kind": known.kind} for address, known in list(open_scopes.items())]
