"""Tasks for the Call Stack: the list at a stop, and stacks registered with debugpy when they are opened.

RPCs (adapter → probe): `tasks.list`, `tasks.stack`, `tasks.thread`, `tasks.at`, `tasks.cancel`, `tasks.creation`.
What runs in the thread that stops goes along with debugpy's `stopped` (`tell`), so nobody has to ask.
A registration with debugpy lives until the stopped thread resumes, so all state here belongs to one stop.
"""

import gc
import heapq
import itertools
import re
import sys
import threading

from . import _ah_awaiters as awaiters
from . import _ah_core as core
from . import _ah_pydevd as pydevd

#: Feature modules of ours that build on this one; each has install(options).
COMPANIONS = ("_ah_step", "_ah_stop", "_ah_eval", "_ah_break", "_ah_breakpoints")


def install(options):
    import importlib

    core.on_start(_again)

    package = __name__.rpartition(".")[0]
    for name in COMPANIONS:
        try:
            importlib.import_module("%s.%s" % (package, name)).install(options)
        except ImportError as error:
            if getattr(error, "name", None) != "%s.%s" % (package, name):
                core.missing(name, core._describe(error))
        except Exception as error:
            core.fail("install:" + name, error)


# --- what a task waits for, in words ----------------------------------------------------------------------------------

_INTERESTING = re.compile(
    r"^(asyncio\.(locks|queues|streams|subprocess|taskgroups|timeouts)|anyio|trio|aiohttp|httpx|asyncpg)\b"
)
_SAID_BY_NAME = frozenset(
    "sleep sleep_forever sleep_until checkpoint to_thread run_sync wait_for shield gather wait wait_closed".split()
)
#: Methods that need no mention: waiting for a lock is acquiring it.
_IMPLIED = frozenset(("acquire", "wait", "__aenter__", "__aexit__"))


def _waited_object(links, awaited):
    """Name of the thing a suspended task waits for: `Lock`, `Queue.get`, `sleep`, `Task-3`; '' when nothing is known."""
    if hasattr(awaited, "get_coro"):
        return awaiters.task_name(awaited)
    if type(awaited).__name__ == "_GatheringFuture":
        return "gather"
    library = []
    for frame, owner in links:
        if pydevd.is_user_file(frame.f_code.co_filename):
            break
        library.append((frame.f_code.co_name, (frame, owner)))
    for name, owner in reversed(library):  # what the user called says most
        for referent in gc.get_referents(*owner):  # the locals, without making a dict of them (3.11+: of the coroutine)
            kind = type(referent)
            module = getattr(kind, "__module__", None)
            if isinstance(module, str) and _INTERESTING.match(module) and hasattr(kind, name):
                shown = kind.__name__.replace("Adapter", "").replace("Manager", "").lstrip("_")
                return shown if name in _IMPLIED else "%s.%s" % (shown, name)
        if name in _SAID_BY_NAME:
            return name
    if library:
        name = library[-1][0]
        return "" if name.startswith("_") or name == "wrapper" else name
    return ""


def _place(frames):
    """`file.py:12` of the leafmost frame of the user's code, or of the leaf."""
    for frame in frames:
        if pydevd.is_user_file(frame.f_code.co_filename):
            return "%s:%d" % (_base(frame.f_code.co_filename), frame.f_lineno or 0)
    if frames:
        return "%s:%d" % (_base(frames[0].f_code.co_filename), frames[0].f_lineno or 0)
    return ""


def _base(path):
    return path.replace("\\", "/").rpartition("/")[2]


def title(task):
    """`Task-7 fetch_user`: the task's name and its coroutine, said once when they are the same."""
    name = awaiters.task_name(task)
    coroutine = _told_coroutine(task)
    return name if coroutine.rpartition(".")[2] == name or coroutine == name else "%s %s" % (name, coroutine)


def _told_coroutine(task):
    """The coroutine that names the task best: its own, or, inside a library's wrapper, the user's first below it."""
    coroutine = awaiters.coroutine_of(task)
    code = getattr(coroutine, "cr_code", None) or getattr(coroutine, "gi_code", None)
    if code is not None and not pydevd.is_user_file(code.co_filename):
        codes = awaiters.chain_codes(coroutine)
        if len(codes) == 1 and getattr(coroutine, "cr_running", False):
            codes = _running_codes(task)
        for code in codes:
            if pydevd.is_user_file(code.co_filename):
                return (getattr(code, "co_qualname", "") or code.co_name).rpartition("<locals>.")[2]
    return awaiters.coroutine_name(task)


def _running_codes(task):
    """Code objects of a task in the middle of a step, root first."""
    ident = _thread_running(task)
    frames = awaiters.task_frames(task, sys._current_frames().get(ident))
    return [frame.f_code for frame in reversed(frames)]


def describe(task):
    """`Task-7 fetch_user · awaits Lock db.py:41` of a suspended task."""
    coroutine = awaiters.coroutine_of(task)
    links, awaited = awaiters.links(coroutine)
    if not links:
        return title(task)
    frames = [frame for frame, _ in links]
    if _not_started(coroutine):
        return "%s · not started" % title(task)
    place = _place(frames)
    if not awaiters.is_trio(task) and getattr(task, "_fut_waiter", 1) is None:
        return "%s · ready %s" % (title(task), place)
    waits = _waited_object(links, getattr(task, "_fut_waiter", None) or awaited)
    return "%s · awaits %s %s" % (title(task), waits, place) if waits else "%s · waits %s" % (title(task), place)


def waits_of(coroutine):
    """`awaits sleep app.py:4` of a suspended coroutine that need not be a task's."""
    links, awaited = awaiters.links(coroutine)
    frames = [frame for frame, owner in links]
    waits = _waited_object(links, awaited)
    return "%s %s" % ("awaits " + waits if waits else "waits", _place(frames))


def _not_started(coroutine):
    import inspect

    try:
        return inspect.getcoroutinestate(coroutine) == "CORO_CREATED"
    except AttributeError:
        return False


# --- the list -----------------------------------------------------------------------------------------------------------


def _running_tasks():
    """{id(task): thread ident} of the tasks that are in the middle of a step, with the tasks themselves."""
    found = {}
    for loop in awaiters.running_loops():
        task = awaiters.current_task_of_loop(loop)
        if task is not None:
            ident = getattr(loop, "_thread_id", None) or _thread_running(task)
            found[id(task)] = (task, ident)
    for _runner, ident, task in awaiters.trio_runs():
        if task is not None and _stack_holds(ident, awaiters.body_frame(task)):
            found[id(task)] = (task, ident)
    return found


def _stack_holds(ident, body):
    """Whether a thread's stack goes through this frame: then the task is being stepped, not only remembered as the last one."""
    if body is None:
        return False
    frame = sys._current_frames().get(ident)
    while frame is not None:
        if frame is body:
            return True
        frame = frame.f_back
    return False


def _thread_running(task):
    body = awaiters.body_frame(task)
    for ident in list(sys._current_frames()):
        if _stack_holds(ident, body):
            return ident
    return None


def _is_user_task(task, deep):
    coroutine = awaiters.coroutine_of(task)
    code = getattr(coroutine, "cr_code", None) or getattr(coroutine, "gi_code", None)
    if code is not None and pydevd.is_user_file(code.co_filename):
        return True
    return bool(deep) and any(pydevd.is_user_file(code.co_filename) for code in awaiters.chain_codes(coroutine))


_NUMBER = re.compile(r"(\d+)")


def _natural(text):
    return [int(part) if part.isdigit() else part for part in _NUMBER.split(text)]


#: With more tasks than this, one of a library that runs the user's code counts as the library's.
_DEEP_MAX = 3000


def _sorted_out(everything, running):
    """The tasks that do not run now, as (user's, library's). About 0.5 us a task when its coroutine is the user's."""
    deep = len(everything) <= _DEEP_MAX
    is_users = {}
    user, library = [], []
    for task in everything:
        if id(task) in running:
            continue
        try:
            code = task.get_coro().cr_code
        except AttributeError:  # trio, or a coroutine-like of another make
            (user if _is_user_task(task, deep) else library).append(task)
            continue
        known = is_users.get(code)
        if known is None:
            known = is_users[code] = pydevd.is_user_file(code.co_filename)
        (user if known or (deep and _is_user_task(task, deep)) else library).append(task)
    return user, library


@core.rpc("tasks.list")
def tasks_list(params):
    """
    :param max: how many tasks to describe.
    :param library: False leaves out tasks without a line of the user's own code.
    :return: `{total, hidden, tasks: [{task, name, user}], running: [{task, name, threadId, stopped}]}`; order: user's, then library.
    """
    limit = int(params.get("max") or 200)
    with_library = params.get("library", True)
    everything = awaiters.asyncio_tasks()
    everything += [task for task, _runner in awaiters.trio_tasks()]
    running = _running_tasks()
    user, library = _sorted_out(everything, running)
    hidden = 0 if with_library else len(library)
    shown = heapq.nsmallest(limit, user, key=_order)
    if with_library and len(shown) < limit:
        shown += heapq.nsmallest(limit - len(shown), library, key=_order)
    deep = len(everything) <= _DEEP_MAX
    stopped = set(thread.ident for thread, _key in _stopped())
    return {
        "total": len(everything),
        "hidden": hidden,
        "tasks": [{"task": id(task), "name": describe(task), "user": _is_user_task(task, deep)} for task in shown],
        "running": [
            {
                "task": id(task),
                "name": title(task),
                "threadId": _dap_thread(ident),
                "stopped": ident in stopped,
            }
            for task, ident in running.values()
        ],
    }


def _order(task):
    """Tasks with a number by number, then the named ones by name."""
    try:
        name = task.get_name()
        if name.startswith("Task-"):
            return (0, int(name[5:]), "")
    except Exception:  # trio, or a name of the user's own form
        name = awaiters.task_name(task)
    return (1, 0, str(name))


def _dap_thread(ident):
    thread = pydevd.thread_by_ident(ident)
    return pydevd.dap_thread_id(thread) if thread is not None else None


def _stopped():
    try:
        return pydevd.stopped_threads()
    except pydevd.Unsupported:
        return []


# --- stacks --------------------------------------------------------------------------------------------------------------

_key_counts = itertools.count(1)
#: Held while frames are registered: by the probe's thread, or by a thread that is about to stop.
_registering = threading.Lock()
#: Longest wait for it of a thread that is about to stop, s. The adapter then asks.
_TELL_S = 0.2


def _again():
    global _registering
    _registering = threading.Lock()  # a forked child may have inherited it locked


class _Stop(object):
    """What was registered with debugpy during the present stop, and the awaited-by relation of that moment."""

    def __init__(self, relation):
        #: id(task) -> (key, client's thread number)
        self.registered = {}
        self.relation = relation


_stop = None


def forget_stop():
    """The threads run again: registrations are gone."""
    global _stop, _told
    _stop = _told = None


#: (task, its callbacks, its awaiters) as last told of a stop: the plan of a step that begins there wants to know the same.
_told = None


def awaiters_at_stop(task):
    """[(awaiter, via)] of the task that runs in the calling thread, which goes on from a stop."""
    known = _told
    if known is not None and known[0] is task and known[1] == _callbacks(task):
        return known[2]
    return awaiters.Awaiters().chain(task)


def _callbacks(task):
    """What tells whether somebody has begun to wait for a task, or ceased to (an evaluation may do that at a stop)."""
    entries = getattr(task, "_callbacks", None) or ()
    return [id(entry[0] if isinstance(entry, tuple) else entry) for entry in entries]


def _present_stop(relation=None):
    global _stop
    if not _stopped():
        raise RuntimeError("the program is running; stacks of tasks are shown when it stops")
    if _stop is None or any(pydevd.tracker_of(key) is None for key, _ in _stop.registered.values()):
        _stop = _Stop(relation or awaiters.Awaiters())
    return _stop


def _register(stop, task):
    """The client's thread number under which debugpy serves the task's own frames."""
    known = stop.registered.get(id(task))
    if known is None:
        loop = awaiters.loop_of(task)
        home = getattr(loop, "_thread_id", None)
        threads = _stopped()
        stopped_key = next((key for thread, key in threads if thread.ident == home), threads[0][1])
        frames = awaiters.task_frames(task)
        if not frames:
            return None
        key = "async_health_task_%d" % next(_key_counts)
        known = stop.registered[id(task)] = (key, pydevd.track(stopped_key, key, frames))
    return known[1]


def _segment(stop, task, via, running):
    """One stretch of a stitched stack. A running task's frames are those of its thread, a suspended one's its own registration."""
    segment = {"task": id(task), "name": title(task), "via": via}
    if id(task) in running:
        segment.update(_running_segment(task, running[id(task)][1]))
    else:
        segment["threadId"] = _register(stop, task)
    return segment


def _running_segment(task, ident):
    thread = pydevd.thread_by_ident(ident)
    key = pydevd.thread_key(thread) if thread is not None else None
    own = _own_frames(task, key) if key is not None else []
    return {"threadId": pydevd.to_dap(key), "frames": own} if own else {"threadId": None}


def _own_frames(task, key):
    """Ids of the task's own frames in the stopped thread `key`, leaf first; empty when it does not run there."""
    body = awaiters.body_frame(task)
    own = []
    for frame in pydevd.frames_of(key):
        own.append(pydevd.to_dap(id(frame)))
        if frame is body:
            return own
    return []


@core.rpc("tasks.stack")
def tasks_stack(params):
    """
    :param task: address.
    :return: `{segments: [{task, name, via, threadId, frames?}]}`: the task's own frames, then each awaiter's up to the root. `via` says
        how the segment awaits the one before (absent on the first); `threadId` is what to ask debugpy's stackTrace for; `frames`
        limits it to those frame ids (part of a real thread).
    """
    task = awaiters.task_by_id(int(params["task"]))
    if task is None:
        raise LookupError("this task has ended")
    with _registering:
        stop = _present_stop()
        running = _running_tasks()
        segments = [_segment(stop, task, None, running)]
        segments += _awaiting(stop, stop.relation.chain(task), running)
    return {"segments": segments}


def _awaiting(stop, chain, running):
    """The awaiters' segments; those of a library's root task (trio's init) at the end are left out."""
    while chain and pydevd.just_my_code() and not _is_user_task(chain[-1][0], True) and id(chain[-1][0]) not in running:
        chain.pop()
    return [_segment(stop, awaiter, via, running) for awaiter, via in chain]


def _inside(task, frames):
    """What `tasks.thread` says of a stopped thread that runs `task`."""
    global _told
    relation = awaiters.Awaiters()
    chain = relation.chain(task)
    _told = (task, _callbacks(task), chain)
    segments = _awaiting(_present_stop(relation), chain, _running_tasks()) if chain else []
    return {"task": id(task), "name": title(task), "frames": frames, "segments": segments}


@core.rpc("tasks.thread")
def tasks_thread(params):
    """
    What runs in a stopped thread.

    :param threadId: the client's number.
    :return: `{}` when no task runs there, else `{task, name, frames: [ids of the task's own frames], segments: [as tasks.stack]}`.
    """
    dap_id = params["threadId"]
    for task, ident in _running_tasks().values():
        thread = pydevd.thread_by_ident(ident)
        if thread is None or pydevd.dap_thread_id(thread) != dap_id:
            continue
        frames = _own_frames(task, pydevd.thread_key(thread))
        if not frames:
            return {}
        with _registering:
            return _inside(task, frames)
    return {}


def tell(thread, key):
    """
    As `tasks.thread`, for the calling thread (pydevd's id: `key`), whose frames debugpy serves already and which is about to wait.
    None when it cannot be said here. About 60 us; with awaiters more.
    """
    if thread is not threading.current_thread():
        return None  # pydevd's late word of threads that have stopped before
    task = awaiters.current_task_here()
    frames = _own_frames(task, key) if task is not None else []
    if not frames:
        return {}
    lock = _registering
    if not lock.acquire(True, _TELL_S):
        return None
    try:
        return _inside(task, frames)
    finally:
        lock.release()


# --- actions ---------------------------------------------------------------------------------------------------------------


@core.rpc("tasks.cancel")
def tasks_cancel(params):
    """Asks a task to cancel, on its own loop's thread. Done when the loop gets to it (when paused: after resuming)."""
    task = awaiters.task_by_id(int(params["task"]))
    if task is None:
        raise LookupError("this task has ended")
    name = title(task)
    if awaiters.is_trio(task):
        runner = next((runner for other, runner in awaiters.trio_tasks() if other is task), None)
        scope = _own_trio_scope(task)
        if scope is None:
            siblings = len(task.parent_nursery.child_tasks) if task.parent_nursery is not None else 1
            raise LookupError(
                "trio cancels scopes, not tasks, and this task has opened none of its own. "
                "Cancelling its nursery would stop all %d tasks in it; do that from the Debug Console if you mean it."
                % siblings
            )
        runner.entry_queue.run_sync_soon(scope.cancel)
    else:
        awaiters.loop_of(task).call_soon_threadsafe(task.cancel)
    return {"name": name, "paused": bool(_stopped())}


def _own_trio_scope(task):
    """The outermost cancel scope that a trio task has opened itself, or None."""
    inherited = getattr(task.parent_nursery, "_cancel_status", None)
    status = task._cancel_status
    found = None
    while status is not None and status is not inherited:
        found = status._scope
        status = status._parent
    return found
