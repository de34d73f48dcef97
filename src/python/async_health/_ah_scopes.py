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
from ._ah_intern import DEPTHS, SCOPE_DEPTH, scope_stack, stack_id, string_id
from ._ah_pace import paced
from ._ah_scopes_misuse import add_library, is_finaliser, tell_violation  # noqa: F401  (part of this module's interface)
from ._ah_task_facts import reason_id
from ._ah_tasks import current_task, scoped
from ._ah_tasks import live as live_tasks

_getframe = sys._getframe
_depths = DEPTHS
_now = core.now
_extend = core.extend
_state = core.state


#: Entered scopes by address: the SCOPE_ENTER row, with the SCOPE_META row of a deadline behind it.
open_scopes = {}
#: Address of the scope that was innermost for its task before, by address, where there was one.
outer_of = {}
#: Weak references to those that only the program keeps, by address.
_watched = {}
#: Columns of the row.
_HOST, _KIND, _STACK, _DEADLINE = 3, 4, 5, 10
#: Address of the innermost open scope of each task, by the task's address.
innermost = scoped
#: Of scopes whose exit has begun: address -> (EXIT_* bits found so far, address of the task that leaves).
_leaving = {}
#: Addresses of open scopes of which there is more to put away at the exit: deliveries, a name, a generator, a judged exit,
#: a weak reference.
_more = set()
#: Of scopes that cancelled: address -> [deliveries so far, how many of them were told].
_deliveries = {}
#: String ids of the names that the program gave, by address.
_names = {}
#: `_ah_generators` where present, and its tables: empty while no generator is concerned.
_generators = None
_by_code = _scoped = {}


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


def generators_by_code():
    """Table that is empty while no async generator is about."""
    return _by_code


def entered(address, host, kind, frame, deadline_ns=-1, flags=0, watched=None):
    """A scope (by address) was entered by the task `host` (by address, 0 for none). `frame`: the caller of its `__enter__`.

    `deadline_ns` on the probe's clock (since start), -1 for none; `flags`: SCOPE_FLAG_*. `watched`: the scope itself, to tell
    when it is collected while open; None for kinds that a library keeps as long as they are open (see `finders`).
    The hooks of timeouts and of anyio's scopes do the same themselves, a call less.
    """
    t = _now()
    row = (20, t, address, host, kind, place_of(frame, host))  # OP_SCOPE_ENTER
    if deadline_ns >= 0 or flags:
        row += (23, t, address, 0, deadline_ns, flags)  # OP_SCOPE_META
    if host in innermost:
        outer_of[address] = innermost[host]
    open_scopes[address] = row
    innermost[host] = address
    if watched is not None:
        watch(watched)
    _extend(row)
    if _by_code:
        in_generator(address, frame)


def place_of(frame, host):
    """Stack id of the entry of a scope, at any level of detail."""
    level = _state.level
    if not level:
        return 0
    stack = 0 if frame is None else scope_stack(frame) if level == 1 else stack_id(frame, _depths[level])
    if not stack:
        # Entered by a task made just for that (`wait_for(cm.__aenter__())`): the place is where the task was made.
        row = live_tasks.get(host)
        stack = row[5] if row is not None else 0
    return stack


def in_generator(address, frame):
    """A scope was entered while async generators are about; one of them may have done it."""
    _generators.scope_entered(address, frame)
    if address in _scoped:
        _more.add(address)


def watch(scope):
    """Nothing but the program keeps this open scope from now on: tell when it is collected."""
    address = id(scope)
    if address in open_scopes and address not in _watched:
        try:
            _watched[address] = ref(scope, _lost)
        except TypeError:
            return
        _more.add(address)


def _lost(reference):
    try:
        for address, known in list(_watched.items()):
            if known is reference:
                _close(address)
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
        address = outer_of.get(address, 0)
    return found


def kind_of(address):
    """SCOPE_* of an open scope, by its address; None when it is not open."""
    known = open_scopes.get(address)
    return None if known is None else known[_KIND]


def _close(address):
    row = open_scopes.pop(address, None)
    outer = outer_of.pop(address, 0)
    if address in _more:
        _more.discard(address)
        _leaving.pop(address, None)
        _deliveries.pop(address, None)
        _names.pop(address, None)
        _watched.pop(address, None)
        if _scoped:
            _generators.scope_left(address)
    if row is None:
        return
    host = row[_HOST]
    if innermost.get(host) == address:
        if outer:
            innermost[host] = outer
        else:
            del innermost[host]
    else:  # out of order: take it out of the chain
        for inner in scopes_of(host):
            if outer_of.get(inner) == address:
                if outer:
                    outer_of[inner] = outer
                else:
                    del outer_of[inner]
                break


#: The quickest way to the task that runs here, where a loop runs: asyncio's own from 3.12 on (before, it costs a getpid).
running_task = current_task


def leave(scope, kind, task):
    """The exit of a timeout or of an anyio scope entered by `task` begins, with an exception of type `kind` or None.

    True when `left` is to be called at its end; False when all is told already (the usual case: nothing is awaited in it, so
    it is over as soon as it begins; about 300 ns) or the scope is not known to be open.
    """
    try:
        address = id(scope)
        row = open_scopes.get(address)
        if row is None:
            return False
        host = row[3]
        if (
            kind is None
            and running_task() is task
            and innermost.get(host) is row[2]  # the very number that was put there at the entry
            and not (_more and address in _more)  # a group's own scope, too, while the group is left
            and _state.level != 2  # FULL tells the place of each exit
        ):
            del open_scopes[address]
            if address in outer_of:
                innermost[host] = outer_of.pop(address)
            else:
                del innermost[host]
            _extend((21, _now(), address, host, 0, 0))  # OP_SCOPE_EXIT
            return False
    except RuntimeError:
        pass  # no loop runs in this thread
    except Exception as error:
        core.fail("scopes.exit", error)
        return False
    return _judge(scope, kind)


def _judge(scope, kind):
    try:
        if id(scope) in _leaving:
            return False  # a group's own scope, left within the exit of the group: that tells it
        leaving(scope, current_task(), None, kind is not None)
        return True
    except Exception as error:
        core.fail("scopes.exit", error)
        return False


#: In `_leaving` for a group that is left as it should be; its `left` is over in no time.
_IN_ORDER = (0, 0)


def leave_group(scope, kind, task):
    """The same for a task group: its exit awaits the children, so all is told at its end."""
    try:
        address = id(scope)
        known = open_scopes.get(address)
        if known is None or address in _leaving:
            return False
        if kind is None and running_task() is task and innermost.get(known[3]) == address:
            _leaving[address] = _IN_ORDER
            _more.add(address)
            return True
    except RuntimeError:
        pass
    except Exception as error:
        core.fail("scopes.exit", error)
        return False
    return _judge(scope, kind)


def left_group(scope):
    """The exit of a group is over. True when `left` is to be called for the rest."""
    try:
        address = id(scope)
        host = open_scopes[address][3]
        if (
            _leaving.get(address) is not _IN_ORDER
            or innermost.get(host) != address
            or address in _deliveries
            or address in _names
            or address in _scoped
            or _state.level == 2
        ):
            return True
        _close(address)
        _extend((21, _now(), address, host, 0, 0))  # OP_SCOPE_EXIT
    except KeyError:
        pass  # closed in the meantime
    except Exception as error:
        core.fail("scopes.exit", error)
    return False


def leaving(scope, task, frame, with_exception=False):
    """The exit of a scope begins: judge who leaves and in what order. `frame`: the caller of its `__exit__`, None to find it.

    A violation is told here: to the model at once, then to the violation callbacks, in the offending thread and frame (the
    program may be made to stand there). Returns the EXIT_* bits, or None for a scope that is not known to be open.
    """
    address = id(scope)
    known = open_scopes.get(address)
    if known is None:
        return None
    begun = _leaving.get(address)
    if begun is not None:  # the exit of a group leaves its own scope: judged already
        return begun[0]
    leaver = 0 if task is None else id(task)
    flags = 16 if with_exception else 0  # EXIT_WITH_EXCEPTION
    host = known[_HOST]
    if leaver == host and innermost.get(leaver) == address:
        _judged(address, flags, leaver)
        return flags
    if leaver != host:
        flags |= wire.EXIT_CROSS_TASK
        if is_finaliser(task):
            flags |= wire.EXIT_BY_FINALISER
    else:
        flags |= wire.EXIT_OUT_OF_ORDER
    _judged(address, flags, leaver)
    if task is not None:  # a young task's name may not be told yet, and this row is what users read
        name = getattr(task, "get_name", None)
        if name is not None:
            core.emit(wire.OP_TASK_NAME, leaver, 0, core.string_id(str(name())))
    if frame is None:
        inner = _getframe(3)  # the `__exit__` that called `leave`, which called `_judge`
        frame = inner.f_back
        if frame is None or frame.f_code is _ah_intern._boundary:
            frame = inner
    stack = stack_id(frame, _depths[_state.level] or SCOPE_DEPTH)
    core.emit(wire.OP_SCOPE_LEAVING, address, leaver, flags, stack)
    tell_violation(known, address, leaver, flags, frame)
    return flags


def _judged(address, flags, leaver):
    _more.add(address)
    _leaving[address] = (flags, leaver)


def left(scope, frame, caught=False):
    """The exit of a scope that `leaving` has judged is over. `caught`: it absorbed a cancellation."""
    address = id(scope)
    known = open_scopes.get(address)
    begun = _leaving.get(address)
    if known is None or begun is None:
        return
    flags, leaver = begun if begun is not _IN_ORDER else (0, known[_HOST])
    if caught:
        flags |= wire.EXIT_CANCELLED_CAUGHT
    stack = 0
    if flags & 11 or core.state.level == core.FULL:  # misuse always with its place
        stack = stack_id(frame, _depths[core.state.level] or SCOPE_DEPTH)
    if address in _deliveries:
        _tell_deliveries(address)
    _close(address)
    _extend((21, _now(), address, leaver, flags, stack))  # OP_SCOPE_EXIT


def cancelled(scope, reason, frame, words=None):
    """`cancel()` of a scope takes effect. `words`: what the program gave as its reason."""
    depth = _depths[core.state.level]
    stack = stack_id(frame, depth) if depth else 0
    core.emit(wire.OP_SCOPE_CANCEL, id(scope), core.current_task_id(), reason, stack)
    number = reason_id(words)
    if number:
        core.emit(wire.OP_SCOPE_CANCEL_REASON, id(scope), 0, number)


def changed(scope, deadline_ns, flags, parent=0):
    """Deadline or shield of an open scope changed."""
    known = open_scopes.get(id(scope))
    if known is not None:
        meta = (23, _now(), id(scope), parent, deadline_ns, flags)  # OP_SCOPE_META
        open_scopes[id(scope)] = known[:6] + meta
        _extend(meta)


def named(scope, name):
    """The program gave a scope a name."""
    number = string_id(name)
    if id(scope) in open_scopes:
        _names[id(scope)] = number
        _more.add(id(scope))
    core.emit(wire.OP_SCOPE_NAME, id(scope), 0, number)


def delivering(scope, by):
    """A scope begins to deliver cancellations: tasks cancelled by this thread from now on are cancelled by `by`."""
    address = id(scope)
    if address in open_scopes:
        counts = _deliveries.get(address)
        if counts is None:
            _more.add(address)
            _deliveries[address] = [1, 0]
        else:
            counts[0] += 1
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


def _tell_deliveries(address):
    counts = _deliveries.get(address)
    if counts is not None and counts[0] != counts[1]:
        counts[1] = counts[0]
        core.emit(wire.OP_SCOPE_DELIVERIES, address, 0, counts[0])


def _tick():
    for address in list(_deliveries):
        _tell_deliveries(address)


#: Start of the time that deadlines in `open_scopes` are counted from.
_t0 = _state.t0

#: Functions `(scope) -> (parent, deadline_ns, flags)` by kind, for the sync.
describers = {}
#: Functions `() -> {address: scope}` by kind: the open scopes as their library knows them.
finders = {}


def _sync():
    found = {}
    for find in set(finders.values()):
        found.update(find())
    for address in paced(list(open_scopes)):
        row = open_scopes.get(address)
        if row is None:  # left while the walk rested
            continue
        _extend(row)
        if address in _names:
            core.emit(wire.OP_SCOPE_NAME, address, 0, _names[address])
        scope = found.get(address)
        describe = describers.get(row[_KIND])
        if scope is not None and describe is not None:
            parent, deadline, flags = describe(scope)
            if parent or deadline >= 0 or flags:
                core.emit(wire.OP_SCOPE_META, address, parent, deadline, flags)
        if address in _deliveries:
            _deliveries[address][1] = 0
            _tell_deliveries(address)


def _forget():
    """String and stack ids mean nothing to a new listener, and it counts time anew."""
    global _t0
    shift = _t0 - _state.t0
    _t0 = _state.t0
    for address, row in list(open_scopes.items()):
        row = row[:_STACK] + (0,) + row[_STACK + 1 :]
        if shift and len(row) > _DEADLINE and row[_DEADLINE] > 0:
            row = row[:_DEADLINE] + (row[_DEADLINE] + shift,) + row[_DEADLINE + 1 :]
        open_scopes[address] = row
    _names.clear()


@core.rpc("openScopes")
def _open_scopes(_params):
    """Entered scopes now, for diagnostics."""
    rows = list(open_scopes.values())
    return [{"scope": row[2], "host": row[_HOST], "kind": row[_KIND]} for row in rows]
