"""Birth of tasks that register in a weak set: all before CPython 3.14, Python tasks since.

The set's `add` is replaced by one of ours, of which each level of detail has its own: it runs on every birth, so nothing is asked
there that could be known before. What it uses is bound here for the same reason.
"""

from _thread import get_ident
from weakref import ref

from . import _ah_core as core
from . import _ah_task_places as places
from . import _ah_tasks as tasks
from ._ah_intern import _strings, string_id
from ._ah_task_facts import own_add_done_callback


def hook_registry(registry, task_type, current_of):
    """Put our `add` into the registry, and exchange it when the level of detail changes."""
    has_ours = True
    gone, register = _registering(registry)
    light, detailed = _births(registry, task_type, current_of, gone, register)

    def follow(level):
        if has_ours:
            registry.add = detailed if level else light

    def undo():
        nonlocal has_ours
        has_ours = False
        if vars(registry).get("add") in (light, detailed):
            del registry.add

    follow(core.state.level)
    core.on_detail(follow)
    core.on_remove("tasks.created", undo)


def _registering(registry):
    """(What is called with a reference whose task has gone, the function that registers a task of any other kind than asyncio's.)"""
    live = tasks.live
    dropped = tasks._dropped
    discard_ref = registry.data.discard
    plain_add = type(registry).add
    pending = getattr(registry, "_pending_removals", None)
    iterating = registry._iterating if pending is not None else ()
    refs = {}

    def gone(reference):
        # In place of WeakSet's own `_remove`, and then: was the task still pending?
        try:
            if iterating:
                pending.append(reference)
            else:
                discard_ref(reference)
            # The hash of an object is its address without the four low bits, unless its class says otherwise.
            if (hash(reference) << 4) in live:
                dropped(hash(reference) << 4)
        except Exception:  # interpreter shutdown
            pass

    def gone_elsewhere(reference):
        try:
            address = refs.pop(reference, 0)
            if address in live:
                dropped(address)
        except Exception:
            pass

    def register(task):
        plain_add(registry, task)
        try:
            if id(task) not in live:
                refs[ref(task, gone_elsewhere)] = id(task)
        except Exception:
            pass

    return gone, register


def _births(registry, task_type, current_of, gone, register):
    """(`add` at level `light`, `add` at the others)"""
    live = tasks.live
    known = tasks.known
    done = tasks._done
    born_otherwise = tasks._born_otherwise
    context_for = tasks._context_for
    shared_context = tasks._EMPTY
    announced = places.announced
    creation_stack = places.creation_stack
    now = core.now
    extend = core.extend
    strings = _strings.get
    add_ref = registry.data.add
    pending = getattr(registry, "_pending_removals", None)
    plain_type = task_type if pending is not None else None
    #: Type of the loops that run our callbacks on the spot, once one has been seen.
    loop_type = None

    def context_of(loop):
        nonlocal loop_type
        context = context_for(loop)
        if context is shared_context:
            loop_type = type(loop)
        return context

    def watch(task, loop):
        """For the end of a task whose class or loop are not the usual ones."""
        if type(task) is task_type:
            task.add_done_callback(done, context=context_of(loop))
        else:
            own_add_done_callback(type(task))(task, done, context=context_of(loop))

    def birth(stacked):
        """`add` with or without the stack of the creation."""

        def add(task):
            if type(task) is not plain_type:
                register(task)
            elif pending:
                registry._commit_removals()
                add_ref(ref(task, gone))
            else:
                add_ref(ref(task, gone))
            try:
                address = id(task)
                if address in live:
                    return
                loop = task._loop
                creator = current_of(loop)
                if creator is None:
                    parent = 0
                else:
                    parent = id(creator)
                    if parent not in live and parent != address:
                        known(creator)
                name = task._coro.__qualname__
                told = announced.pop(get_ident(), None) if announced else None
                if told is None:
                    stack = creation_stack() if stacked else 0
                else:
                    name, stack = told
                live[address] = row = (
                    1,
                    now(),
                    address,
                    parent,
                    strings(name) or string_id(name),
                    stack,
                )  # OP_TASK_NEW
                extend(row)
                if not parent:
                    extend((11, row[1], address, id(loop), 0, 0))  # OP_TASK_LOOP
                if type(loop) is loop_type and type(task) is task_type:
                    task.add_done_callback(done, context=shared_context)
                else:
                    watch(task, loop)
            except AttributeError:
                born_otherwise(task)
            except Exception as error:
                core.fail("tasks.created", error)

        return add

    return birth(False), birth(True)
