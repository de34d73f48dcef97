"""Where a lock was acquired, and where a task waits for one, worked out on the probe's thread when it matters.

Most waits last microseconds and nobody asks for their place, so below `full` a wait for an asyncio Lock is told only when it
still stands at the next tick, and its place, and that of the holder, are worked out then:

- a waiter is suspended in its wait: its chain of coroutines is its stack;
- a direct `await lock.acquire()` left its code object and offset (`owners`);
- `async with lock` left nothing, but while the block runs its exit method lies on the frame's stack, bound to the lock: the
  frame that holds it is found along the task's chain, and the statement by the tables of its code.
"""

import dis
import gc
import sys
import time
import types

from . import _ah_core as core
from . import _ah_locks as locks
from . import _ah_wire as w
from ._ah_intern import frame_of, frames_id, next_awaited
from ._ah_pace import REST_S, paced

_EXITS = ("__exit__", "__aexit__")
_MAX_CHAIN = 64
#: Above this many tasks they are gone through in turns of this many per tick.
_TASKS_PER_TICK = 20_000
_SLICE = 500


_turn = [0]


# --- the statement `async with` around an offset --------------------------------------------------------------------


def _blocks_by_table(code, at):
    """CPython 3.11 and later: handlers of the `with` statements around an offset, innermost first.

    The exception table names for each offset its innermost handler only, whose own offset lies in the next one. The
    instruction behind a handler's first has the line of the statement.
    """
    table = _exception_table(code)
    raw = code.co_code
    first, second = dis.opmap["PUSH_EXC_INFO"], dis.opmap["WITH_EXCEPT_START"]
    found = []
    for _ in range(len(table)):
        handler = next((handler for start, end, handler in table if start <= at < end), None)
        if handler is None:
            break
        if raw[handler] == first and raw[handler + 2] == second:
            found.append(handler + 2)
        at = handler
    return found


def _exception_table(code):
    """[(start, end, handler)] in bytes; the format is described in CPython's Objects/exception_handling_notes.txt."""
    data = iter(code.co_exceptiontable)

    def number():
        byte = next(data)
        value = byte & 63
        while byte & 64:
            byte = next(data)
            value = value << 6 | byte & 63
        return value

    entries = []
    try:
        while True:
            start = number() * 2
            end = start + number() * 2
            handler = number() * 2
            number()  # depth of the stack
            entries.append((start, end, handler))
    except StopIteration:
        return entries


def _blocks_by_setup(code, at):
    """Before 3.11: offsets of the SETUP_WITH and SETUP_ASYNC_WITH whose block goes round an offset, innermost first."""
    setups = (dis.opmap["SETUP_WITH"], dis.opmap["SETUP_ASYNC_WITH"])
    raw = code.co_code
    unit = 2 if sys.version_info >= (3, 10) else 1
    found = []
    argument = 0
    for offset in range(0, min(at, len(raw)), 2):
        argument = argument << 8 | raw[offset + 1]
        if raw[offset] == dis.EXTENDED_ARG:
            continue
        if raw[offset] in setups and at < offset + 2 + argument * unit:
            found.append(offset)
        argument = 0
    found.reverse()
    return found


_blocks = _blocks_by_table if sys.version_info >= (3, 11) else _blocks_by_setup


def _exit_owners(awaitable, frame):
    """What the exit methods on a suspended frame's stack are bound to, outermost block first."""
    # Since 3.11 the coroutine owns its frame's contents, before it the frame object does.
    referents = gc.get_referents(awaitable if sys.version_info >= (3, 11) else frame)
    owners = []
    for at, one in enumerate(referents):
        if getattr(one, "__name__", None) not in _EXITS:
            continue
        if isinstance(one, types.FunctionType):  # 3.14: function and object lie side by side
            if at + 1 < len(referents):
                owners.append(referents[at + 1])
        elif hasattr(one, "__self__"):
            owners.append(one.__self__)
    return owners


def _chain(coroutine):
    """[(coroutine, frame)] of a suspended task, outermost first."""
    chain = []
    while coroutine is not None and len(chain) < _MAX_CHAIN:
        frame = frame_of(coroutine)
        if frame is not None:
            chain.append((coroutine, frame))
        coroutine = next_awaited(coroutine)
    return chain


def _stack(chain, at, lasti):
    """Stack id of the frame number `at` of a chain, standing at `lasti`, and those that wait for it."""
    frames = [frame for _, frame in chain[: at + 1]]
    frames.reverse()
    offsets = [frame.f_lasti for frame in frames]
    offsets[0] = lasti
    return frames_id(tuple(frame.f_code for frame in frames), tuple(offsets), True)


def wait_stack(coroutine):
    """Stack id of where a suspended task waits."""
    chain = _chain(coroutine)
    return _stack(chain, len(chain) - 1, chain[-1][1].f_lasti) if chain else 0


def entry_stack(coroutine, lock, known=None):
    """Stack id of where a suspended task acquired a lock, 0 when it cannot be told.

    `known`: (code, offset) that a direct `acquire()` left.
    """
    chain = _chain(coroutine)
    if known is not None:
        code, lasti = known
        for at, (_, frame) in enumerate(chain):
            if frame.f_code is code:
                return _stack(chain, at, lasti)
        return frames_id((code,), (lasti,), True)
    for at, (awaitable, frame) in enumerate(chain):
        owners = _exit_owners(awaitable, frame)
        if not any(_is_of(owner, lock) for owner in owners):
            continue
        blocks = _blocks(frame.f_code, frame.f_lasti)
        if len(owners) == len(blocks) + 1:
            del owners[-1]  # it is being entered: the method is there, the block has not begun
        if len(blocks) != len(owners):
            continue  # a block is just being left, or a local looks like an exit method
        for depth, owner in enumerate(owners):
            if _is_of(owner, lock):
                return _stack(chain, at, blocks[-1 - depth])
    return 0


def _is_of(owner, lock):
    # A Condition is entered for its lock.
    return owner is lock or getattr(owner, "_lock", None) is lock


# --- each tick --------------------------------------------------------------------------------------------------------


def _wanted():
    """{task address: [(info, lock)]} of waits that are not told, and of holders whose place is not."""
    wanted = {}
    level = core.state.level
    for info in list(locks.active.values()):
        lock = info.ref() if info.family.placed and info.waiters else None
        if lock is None:
            continue
        if level and info.holder and info.tries < locks.TRIES:
            wanted.setdefault(info.holder, []).append((info, lock))
        for task in list(info.holders) if level else ():
            if info.placing.get(task, 0) < locks.TRIES:
                wanted.setdefault(task, []).append((info, lock))
        for task in paced(list(info.waiters)):
            wait = info.waiters.get(task)
            if wait is not None and wait[2]:
                if level:
                    wanted.setdefault(task, []).append((info, lock))
                else:
                    _tell_wait(info, task, wait, 0)
    return wanted


def tick():
    """Tell what is wanted. Costs nothing while no lock of asyncio is contended."""
    wanted = _wanted()
    if not wanted:
        return
    for address, coroutine in _suspended(wanted):
        for info, lock in wanted.pop(address):
            _tell(info, lock, address, coroutine)
    for address, entries in wanted.items():  # it runs just now, it ended, or it is none of asyncio's
        for info, lock in entries:
            _tell(info, lock, address, None)


def _tell(info, lock, address, coroutine):
    if info.holder == address and info.tries < locks.TRIES:
        stack = _entry(lock, info, coroutine)
        info.tries = locks.TRIES if stack else info.tries + 1
        if stack and info.holder == address:
            core.emit(w.OP_LOCK_PLACE, info.key, address, 0, stack)
    tries = info.placing.get(address, 0)
    if address in info.holders and tries < locks.TRIES:
        stack = entry_stack(coroutine, lock) if coroutine is not None else 0
        info.placing[address] = locks.TRIES if stack else tries + 1
        if stack:
            core.emit(w.OP_LOCK_PLACE, info.key, address, 0, stack)
    wait = info.waiters.get(address)
    if wait is not None and wait[2]:
        stack = wait_stack(coroutine) if coroutine is not None else 0
        wait[3] += 1
        if stack or wait[3] >= locks.TRIES:
            _tell_wait(info, address, wait, stack)


def _entry(lock, info, coroutine):
    known = locks.left_place(info.key, info.holder)
    if coroutine is not None:
        return entry_stack(coroutine, lock, known)
    return frames_id(known[:1], known[1:], True) if known is not None else 0


def _tell_wait(info, task, wait, stack):
    since, wait[1], wait[2] = wait[2], stack, 0
    core.extend((w.OP_LOCK_WAIT, since, info.key, task, wait[0], stack))
    if info.waiters.get(task) is not wait:  # it ended while this was said
        core.emit(w.OP_LOCK_WAIT_END, info.key, task)


def _suspended(wanted):
    """(address, coroutine) of the wanted tasks of asyncio that are suspended just now."""
    from . import _ah_tasks

    references = []
    for registry in _ah_tasks.registries:
        references.extend(list(registry.data))
    references.extend(list(_ah_tasks.own_refs.values()))
    if len(references) > _TASKS_PER_TICK:
        start = _turn[0] % len(references)
        _turn[0] = start + _TASKS_PER_TICK
        references = (references + references)[start : start + _TASKS_PER_TICK]
    for start in range(0, len(references), _SLICE):
        if start:
            time.sleep(REST_S)
        for reference in references[start : start + _SLICE]:
            task = reference()
            if task is not None and id(task) in wanted and getattr(task, "_fut_waiter", None) is not None:
                yield id(task), _ah_tasks.coroutine_of(task)
                if not wanted:
                    return
            task = None
