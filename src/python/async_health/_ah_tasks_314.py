"""Birth and loss of asyncio tasks on CPython 3.14 and later, where C tasks register in a list inside the interpreter.

Nothing written in Python is told of that list. So a birth is seen where a loop makes the task (`create_task` of asyncio's
loops, whatever factory is set, and of uvloop), a loss by a weak reference of ours. A task that the program constructs by
hand (`asyncio.Task(...)`) is noticed when it first acts, else by the next poll.
"""

import gc
import sys
from _thread import get_ident
from weakref import ref

from . import _ah_awaiters as awaiters
from . import _ah_core as core
from . import _ah_task_places as places
from . import _ah_tasks as tasks
from ._ah_inject import inject
from ._ah_intern import DEPTHS, _strings, stack_id, string_id
from ._ah_task_facts import loop_of, name_of

_CREATED = "tasks.create_task"

#: Our weak references to the pending C tasks, by address. `_ah_tasks._done` takes out those that end.
own_refs = tasks.own_refs
#: At most this share of the time goes into looking for tasks that no `create_task` made.
_POLL_SHARE = 0.005

#: When tasks were lost, by address. They stay in the interpreter's list until their finalisers have run, which may log.
_lost = {}
_LOST_NS = 2_000_000_000

_list_tasks = None
_task_type = None
_poll_due = 0
#: Addresses of the tasks that the last look found and nobody had told of.
_unknown = set()


def install(tasks_module, base_events):
    """Set the hooks; asyncio is imported."""
    global _list_tasks, _task_type
    _task_type = tasks_module.Task
    _list_tasks = tasks_module.all_tasks
    born = _make_born(tasks_module, 1)
    create = base_events.BaseEventLoop.create_task
    if not inject(create, _CREATED, returns="AH.born(VALUE, coro)", born=born):
        core.missing(_CREATED, "no source of BaseEventLoop.create_task")
    for package in ("uvloop", "winloop"):
        core.on_import(package, lambda module: _hook_foreign(module, _make_born(tasks_module, 2)))
    core.on_tick(_poll)
    if core.state.options.get("attached"):
        _find_loops()


def _find_loops():
    """Loops that run already when a debugger attaches. uvloop's are on no stack that Python sees, so all objects are asked."""
    from . import _ah_loop

    kind = sys.modules["asyncio.events"].AbstractEventLoop
    for loop in [found for found in gc.get_objects() if issubclass(type(found), kind)]:
        if loop.is_running():
            _ah_loop.adopt(loop)


def _hook_foreign(module, born):
    """uvloop's loop class is a Python class over a C one: `create_task` finds room in it."""
    kind = module.Loop
    plain = kind.create_task

    def create_task(self, *args, **keywords):
        return born(plain(self, *args, **keywords), args[0] if args else keywords.get("coro"))

    core.patch(kind, "create_task", create_task, _CREATED)


def current_of(tasks_module):
    """`function(loop)` that gives the task running on that loop, or None. Python tasks keep to a table of their own."""
    current = tasks_module.current_task
    python_tasks = tasks_module._current_tasks

    def find(loop):
        return current(loop) or (python_tasks.get(loop) if python_tasks else None)

    return find


def current_finder(tasks_module, events):
    """The running task of this thread; outside of a loop `current_task` would raise."""
    running = events._get_running_loop
    find_on = current_of(tasks_module)

    def find():
        loop = running()
        return None if loop is None else find_on(loop)

    return find


def _make_born(tasks_module, above):
    """The function that each `create_task` passes its result through. What it uses is bound here: it runs on every birth.

    `above`: how many frames up, from within it, is the first one that may be shown (2 where a wrapper of ours lies between).
    """
    live = tasks.live
    getframe = sys._getframe
    creation_stack = places.creation_stack
    announced = places.announced
    now = core.now
    extend = core.extend
    strings = _strings.get
    current = tasks_module.current_task
    python_tasks = tasks_module._current_tasks
    done = tasks._done
    known = tasks.known
    task_type = tasks_module.Task
    seen_type = None
    seen_context = None

    def lost(reference):
        try:
            # The hash of a task is its address without the four low bits; it was asked for while the task lived.
            address = hash(reference) << 4
            if own_refs.get(address) is reference:
                del own_refs[address]
                if address in live:
                    _dropped(address)
        except Exception:  # interpreter shutdown
            pass

    def born(task, coroutine):
        nonlocal seen_type, seen_context
        try:
            address = id(task)
            if address in live:
                return task
            if type(task) is not task_type or task._state != "PENDING":
                _born_otherwise(task, coroutine, getframe(above))
                return task
            loop = task._loop
            creator = current(loop)
            if creator is None and python_tasks:
                creator = python_tasks.get(loop)
            if creator is None:
                parent = 0
            else:
                parent = id(creator)
                if parent not in live:
                    known(creator)
            name = task._coro.__qualname__
            told = announced.pop(get_ident(), None) if announced else None
            if told is None:
                stack = creation_stack(above)
            else:
                name, stack = told
            live[address] = row = (1, now(), address, parent, strings(name) or string_id(name), stack)  # OP_TASK_NEW
            extend(row)
            if creator is None:
                extend((11, row[1], address, id(loop), 0, 0))  # OP_TASK_LOOP
            if type(loop) is not seen_type:
                context = tasks._context_for(loop)
                if context is tasks._EMPTY:
                    seen_type = type(loop)
                    seen_context = context
            else:
                context = seen_context
            task.add_done_callback(done, context=context)
            own_refs[address] = reference = ref(task, lost)
            if hash(reference) << 4 != address:
                watch(task)
        except AttributeError:
            _born_otherwise(task, coroutine, getframe(above))
        except Exception as error:
            core.fail(_CREATED, error)
        return task

    return born


def _born_otherwise(task, coroutine, frame):
    """A subclass, a coroutine-like without a name, an eager task that is done already, a factory's own idea of a task."""
    try:
        if not task.done():
            tasks._born_otherwise(task, frame)
            if id(task) in tasks.live:
                watch(task)
            return
        address = id(task)
        loop = loop_of(task)
        creator = tasks.current_task()
        parent = 0 if creator is None or creator is task else id(creator)
        name = string_id(str(name_of(coroutine)))  # the task has let go of it
        core.extend((1, core.now(), address, parent, name, stack_id(frame, DEPTHS[core.state.level])))
        if not parent and loop is not None:
            core.extend((11, core.now(), address, id(loop), 0, 0))
        tasks.live[address] = None
        tasks._done(task)
    except (AttributeError, TypeError):
        return  # not a task in any sense we know
    except Exception as error:
        core.fail(_CREATED, error)


def watch(task):
    """Notice the loss of a task that was not announced by the quick way. Python tasks are in a registry that tells."""
    if not isinstance(task, _task_type):
        return
    address = id(task)

    def lost(reference):
        try:
            if own_refs.get(address) is reference:
                del own_refs[address]
                if address in tasks.live:
                    _dropped(address)
        except Exception:
            pass

    own_refs[address] = ref(task, lost)


def _dropped(address):
    _lost[address] = core.now()
    tasks._dropped(address)


def listed_tasks():
    """What the interpreter's own list holds: tasks of the loops that run or that we know. 10,000 take 3 ms."""
    from . import _ah_loop

    if _lost:
        since = core.now() - _LOST_NS
        for address in [address for address, moment in list(_lost.items()) if moment < since]:
            _lost.pop(address, None)
    loops = {id(loop): loop for loop in _ah_loop.loops()}
    for loop in awaiters.running_loops():
        loops[id(loop)] = loop
    found = []
    for loop in loops.values():
        try:
            found.extend(task for task in _list_tasks(loop) if id(task) not in _lost)
        except Exception:
            continue
    return found


def _poll():
    """Tasks that no hooked `create_task` made. How often depends on what a look costs.

    Told at the second look: at the first, a `create_task` in another thread may be about to tell its creator and place.
    """
    global _poll_due, _unknown
    begin = core.now()
    if begin < _poll_due:
        return
    before, _unknown = _unknown, set()
    for task in listed_tasks():
        address = id(task)
        if address in tasks.live:
            continue
        if address in before:
            tasks.known(task)
        else:
            _unknown.add(address)
    task = None
    spent = core.now() - begin
    _poll_due = begin + spent + int(spent / _POLL_SHARE)
