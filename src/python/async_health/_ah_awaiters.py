"""Tasks that live now, their coroutine chains, and who awaits whom; asyncio (uvloop, anyio) and trio. Reads only.

Everything here looks at suspended or stopped tasks, on demand (at a stop, or for a step), never in a hot path.
3.14's own awaited-by data is used where it is; elsewhere the relation is read from the futures' callbacks.
"""

import functools
import gc
import re
import sys
import types

_MAX_DEPTH = 500

VIA_AWAIT = "await"
VIA_GATHER = "gather"
VIA_GROUP = "TaskGroup"
VIA_NURSERY = "nursery"
VIA_SHIELD = "shield"
VIA_WAIT_FOR = "wait_for"
VIA_WAIT = "wait"


def _asyncio(name="asyncio.tasks"):
    return sys.modules.get(name)


# --- which tasks there are ------------------------------------------------------------------------------------------


def asyncio_tasks():
    """Every pending asyncio task of the process, in no particular order. 10,000 take about 3 ms."""
    tasks = _asyncio()
    if tasks is None:
        return []
    found = {}
    for name in ("_all_tasks", "_scheduled_tasks", "_eager_tasks"):
        registry = getattr(tasks, name, None)
        if registry is None:
            continue
        for _ in range(1000):  # another thread may change a WeakSet while it is iterated
            try:
                members = list(registry)
                break
            except RuntimeError:
                continue
        else:
            members = []
        for task in members:
            found[id(task)] = task
    if sys.version_info >= (3, 14):
        # C tasks live in a list of their own there; all_tasks(loop) reads it for any loop.
        for loop in running_loops():
            try:
                for task in tasks.all_tasks(loop):
                    found[id(task)] = task
            except Exception:
                continue
    return [task for task in found.values() if not task.done()]


def running_loops():
    """The asyncio loops that run now, found on the threads' stacks (any thread, any implementation of the run methods)."""
    loops = {}
    tasks = _asyncio()
    current = getattr(tasks, "_current_tasks", None)
    if current:
        for loop in list(current):
            loops[id(loop)] = loop
    for frame in list(sys._current_frames().values()):
        loop = _loop_of_stack(frame)
        if loop is not None:
            loops[id(loop)] = loop
    return list(loops.values())


def _loop_of_stack(frame):
    while frame is not None:
        code = frame.f_code
        if code.co_name in ("run_forever", "run_until_complete") and code.co_filename.endswith("base_events.py"):
            return frame.f_locals.get("self")
        if code.co_name in ("run", "__run") and code.co_filename.endswith(("runners.py", "uvloop/__init__.py")):
            runner = frame.f_locals.get("self")  # Runner.run of 3.11+
            loop = getattr(runner, "_loop", None) or frame.f_locals.get("loop")
            if loop is not None:
                return loop
        frame = frame.f_back
    return None


def loop_of_thread(ident):
    """The asyncio loop that runs in a thread (by ident), or None."""
    for loop in running_loops():
        if getattr(loop, "_thread_id", None) == ident:
            return loop
    frame = sys._current_frames().get(ident)
    return _loop_of_stack(frame) if frame is not None else None


def trio_runs():
    """[(runner, thread ident, current task or None)] of the trio runs of this process, found on the threads' stacks."""
    if "trio" not in sys.modules:
        return []
    found = []
    for ident, frame in list(sys._current_frames().items()):
        while frame is not None:
            # Idle, the generator `unrolled_run` is suspended and only `run` is on the stack.
            code = frame.f_code
            if code.co_name in ("unrolled_run", "run") and code.co_filename.replace("\\", "/").endswith(
                "trio/_core/_run.py"
            ):
                values = frame.f_locals
                runner = values.get("runner")
                if runner is not None:
                    task = values.get("task")
                    found.append((runner, ident, task))
                break
            frame = frame.f_back
    return found


def trio_tasks():
    """[(task, runner)] of all live trio tasks."""
    found = []
    for runner, _ident, _current in trio_runs():
        for task in list(runner.tasks):
            found.append((task, runner))
    return found


def is_trio(task):
    return type(task).__module__.startswith("trio.")


def task_by_id(address):
    """A live task by its address, or None."""
    for task in asyncio_tasks():
        if id(task) == address:
            return task
    for task, _runner in trio_tasks():
        if id(task) == address:
            return task
    return None


def task_done(task):
    if is_trio(task):
        return coroutine_of(task).cr_frame is None if hasattr(task.coro, "cr_frame") else False
    return task.done()


def task_name(task):
    """The task's own name; never runs the program's code."""
    if is_trio(task):
        return _short(str(task.name))
    try:
        return _short(str(task.get_name()))
    except Exception:
        return "Task"


def _short(name):
    """anyio and trio name tasks by full path of their function; the last part says enough."""
    return name.rpartition(".")[2] if re.match(r"^[\w.]+\.\w+$", name) else name


def coroutine_of(task):
    return task.coro if is_trio(task) else task.get_coro()


def coroutine_name(task):
    """Qualified name of what the task runs, without the `<locals>` noise."""
    coroutine = coroutine_of(task)
    name = getattr(coroutine, "__qualname__", None) or getattr(coroutine, "__name__", None) or type(coroutine).__name__
    return name.rpartition("<locals>.")[2]


def loop_of(task):
    """The asyncio loop of a task; None for trio."""
    if is_trio(task):
        return None
    try:
        return task.get_loop()
    except Exception:
        return getattr(task, "_loop", None)


def current_task_of_loop(loop):
    tasks = _asyncio()
    if tasks is None:
        return None
    try:
        return tasks.current_task(loop)
    except Exception:
        return None


def current_task_here():
    """The task that runs in the calling thread, of asyncio or trio, or None. Never raises."""
    tasks = _asyncio()
    if tasks is not None:
        try:
            events = sys.modules["asyncio.events"]
            loop = events._get_running_loop()
            if loop is not None:
                task = tasks.current_task(loop)
                if task is not None:
                    return task
        except Exception:
            pass
    run = sys.modules.get("trio._core._run")
    if run is not None:
        try:
            return run.GLOBAL_RUN_CONTEXT.task
        except AttributeError:
            pass
    return None


def loop_runs_here():
    """Whether the calling thread is inside a running asyncio loop or trio run."""
    events = sys.modules.get("asyncio.events")
    if events is not None and events._get_running_loop() is not None:
        return True
    run = sys.modules.get("trio._core._run")
    return run is not None and getattr(run.GLOBAL_RUN_CONTEXT, "runner", None) is not None


# --- coroutine chains -----------------------------------------------------------------------------------------------


def _parts(awaitable):
    """(frame, code, next awaited) of a coroutine, generator or async generator; None when it is something else."""
    if hasattr(awaitable, "cr_frame"):
        return awaitable.cr_frame, awaitable.cr_code, awaitable.cr_await
    if hasattr(awaitable, "gi_frame"):
        return awaitable.gi_frame, awaitable.gi_code, awaitable.gi_yieldfrom
    if hasattr(awaitable, "ag_frame"):
        return awaitable.ag_frame, awaitable.ag_code, awaitable.ag_await
    return None


_WRAPPERS = ("async_generator_asend", "async_generator_athrow", "coroutine_wrapper", "anext_awaitable")


def _unwrap(awaitable):
    """What stands behind the C wrappers that hide a coroutine or async generator (asend objects, `__await__` wrappers)."""
    for _ in range(4):
        if type(awaitable).__name__ not in _WRAPPERS:
            return awaitable
        for referent in gc.get_referents(awaitable):
            if isinstance(referent, (types.AsyncGeneratorType, types.CoroutineType, types.GeneratorType)):
                awaitable = referent
                break
        else:
            return awaitable
    return awaitable


def links(coroutine):
    """([(frame, coroutine or generator)] leaf first, what the leaf awaits) of a suspended coroutine."""
    found = []
    awaited = coroutine
    for _ in range(_MAX_DEPTH):
        awaited = _unwrap(awaited)
        parts = _parts(awaited) if awaited is not None else None
        if parts is None or parts[0] is None:
            break
        found.append((parts[0], awaited))
        awaited = parts[2]
    found.reverse()
    return found, awaited


def chain(coroutine):
    """(frames leaf first, what the leaf awaits) of a suspended coroutine."""
    found, awaited = links(coroutine)
    return [frame for frame, _ in found], awaited


def chain_codes(coroutine):
    """Code objects of a suspended coroutine's chain, root first; touches no frame. About 0.5 us a link."""
    codes = []
    awaited = coroutine
    for _ in range(_MAX_DEPTH):
        if awaited is None:
            break
        awaited = _unwrap(awaited)
        parts = _parts(awaited)
        if parts is None:
            break
        codes.append(parts[1])
        awaited = parts[2]
    return codes


def body_frame(task):
    """The frame of the task's outermost coroutine, or None (finished, or a coroutine-like of another make)."""
    coroutine = coroutine_of(task)
    parts = _parts(coroutine) if coroutine is not None else None
    return parts[0] if parts is not None else None


def task_frames(task, running_leaf=None):
    """
    A task's own frames, leaf first. For the task that runs, `running_leaf` is the leaf frame of its thread: its chain is read
    from there downwards, because the awaiting side of a running chain is not visible on the coroutines.
    """
    body = body_frame(task)
    if running_leaf is not None and body is not None:
        frames = []
        frame = running_leaf
        while frame is not None:
            frames.append(frame)
            if frame is body:
                return frames
            frame = frame.f_back
    coroutine = coroutine_of(task)
    return chain(coroutine)[0] if coroutine is not None else []


# --- who awaits whom ------------------------------------------------------------------------------------------------


def _wakes(entry):
    """May this callback of a future be a task's wake-up? A plain function is none: the wake-ups are methods, or C's own wrapper."""
    callback = entry[0] if isinstance(entry, tuple) else entry
    return not isinstance(callback, (types.FunctionType, functools.partial))


class Awaiters(object):
    """
    The awaited-by relation at one moment. `of(task)` is [(awaiter, via)], nearest first.
    All tasks are looked at only when a future is asked for on which one of them sleeps: 10,000 take about 5 ms.
    """

    def __init__(self, tasks=None):
        self._tasks = tasks
        self._waiting = None

    @property
    def tasks(self):
        if self._tasks is None:
            self._tasks = asyncio_tasks()
        return self._tasks

    def _sleeper(self, future, callbacks):
        """The task that sleeps on this future, or None."""
        if not getattr(future, "done", bool)() and not any(map(_wakes, callbacks)):
            return None
        if self._waiting is None:
            self._waiting = {}
            for task in self.tasks:
                waiter = getattr(task, "_fut_waiter", None)
                if waiter is not None:
                    self._waiting[id(waiter)] = task
        return self._waiting.get(id(future))

    def of(self, task):
        if is_trio(task):
            nursery = task.parent_nursery
            parent = getattr(nursery, "parent_task", None)
            return [(parent, VIA_NURSERY)] if parent is not None else []
        found = []
        seen = set()
        for awaiter, via in self._of_future(task, seen, 0):
            if awaiter is not task and all(known is not awaiter for known, _ in found):
                found.append((awaiter, via))
        return found

    def chain(self, task):
        """[(awaiter, via)] from the task's awaiter to the root; stops at a circle (a deadlock) or where several await."""
        result = []
        seen = {id(task)}
        while True:
            awaiters = self.of(task)
            if not awaiters:
                return result
            task, via = awaiters[0]
            if id(task) in seen:
                return result
            seen.add(id(task))
            result.append((task, via))

    def children_of(self, task):
        """The tasks that `task` waits for right now, directly or through gather, wait, shield, wait_for or its task group."""
        if is_trio(task):
            return [child for nursery in task.child_nurseries for child in nursery.child_tasks]
        waiter = getattr(task, "_fut_waiter", None)
        if waiter is None:
            return []
        found = []
        self._tasks_below(waiter, found, set(), 0)
        for other in self.tasks:
            if other is not task and all(known is not other for known in found):
                if any(awaiter is task for awaiter, _ in self.of(other)):
                    found.append(other)
        return found

    def _tasks_below(self, future, found, seen, depth):
        if depth > 20 or id(future) in seen:
            return
        seen.add(id(future))
        if hasattr(future, "get_coro"):
            found.append(future)
            return
        for child in getattr(future, "_children", ()) or ():
            self._tasks_below(child, found, seen, depth + 1)

    def _of_future(self, future, seen, depth):
        if depth > 20 or id(future) in seen:
            return
        seen.add(id(future))
        #: The interpreter's own record, 3.14 and later: all who await it, but not through what.
        awaited_by = [
            other for other in getattr(future, "_asyncio_awaited_by", None) or () if hasattr(other, "get_coro")
        ]
        callbacks = getattr(future, "_callbacks", None) or ()
        direct = [other for other in awaited_by if getattr(other, "_fut_waiter", None) is future]
        if not direct:
            sleeper = self._sleeper(future, callbacks)
            direct = [] if sleeper is None else [sleeper]
        nobody = not direct
        for awaiter in direct:
            yield awaiter, VIA_AWAIT
        for entry in callbacks:
            callback = entry[0] if isinstance(entry, tuple) else entry
            for found in self._of_callback(callback, seen, depth):
                nobody = False
                yield found
        if nobody:  # `as_completed`, or a library's own way to wait
            for awaiter in awaited_by:
                yield awaiter, VIA_WAIT

    def _of_callback(self, callback, seen, depth):
        owner = getattr(callback, "__self__", None)
        parent = getattr(owner, "_parent_task", None)  # asyncio.TaskGroup._on_task_done
        if parent is not None:
            yield parent, VIA_GROUP
            return
        function = getattr(callback, "func", callback)  # functools.partial(_release_waiter, waiter)
        name = getattr(function, "__qualname__", "")
        values = list(getattr(callback, "args", ()))
        for cell in getattr(function, "__closure__", None) or ():
            try:
                values.append(cell.cell_contents)
            except ValueError:
                continue
        via = None
        name = name.lstrip("_")
        if name.startswith("gather."):
            via = VIA_GATHER
        elif name.startswith("shield."):
            via = VIA_SHIELD
        elif name.startswith("wait.") or "_on_completion" in name:
            via = VIA_WAIT
        elif "release_waiter" in name:
            via = VIA_WAIT_FOR
        for value in values:
            scope = getattr(value, "cancel_scope", None)
            host = getattr(scope, "_host_task", None)  # anyio's TaskGroup on asyncio
            if host is not None and name.startswith("TaskGroup."):
                yield host, VIA_GROUP
                return
            if via is not None and hasattr(value, "add_done_callback") and hasattr(value, "_callbacks"):
                for awaiter, _ in self._of_future(value, seen, depth + 1):
                    yield awaiter, via
