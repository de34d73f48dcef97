"""Stepping that stays with the task.

pydevd steps threads: after the last line of a task, or at an `await`, it takes whatever runs next in the thread for the next step.
Here each step of a thread that runs a task gets a plan: which task may stop, at or below which frame. A stop that does not
fit the plan never happens (`_ah_pydevd_stops.StopHooks`), and the step is aimed anew at the frame that is waited for, so other tasks
run at nearly full speed meanwhile.

The plan is made by the thread itself when it goes on with a step of the client, so a step costs no message more than debugpy's own.

What a plan does:
- next: stops in the same task, in the frame or below; once the task is over, in the task that awaits it.
- in: also in a task that the awaiting one waits for (await of a task, gather, task group, nursery).
- out: in the awaiting frame of the same task, else in the awaiting task, else (root task) where the loop was started.
- resume: at the next line of a given suspended task.
A task that nobody awaits has no "after": the program then runs on.

RPCs: `step.resume`, `step.breakOnResume`. Option `ownsStops`: this extension's adapter stands between client and debugpy (in
other sessions steps stay debugpy's own).
"""

import sys
import threading

from . import _ah_awaiters as awaiters
from . import _ah_core as core
from . import _ah_frames as frames_of_tasks
from . import _ah_pydevd as pydevd
from . import _ah_pydevd_stops as stops
from . import _ah_step_exits as exits


class Plan(object):
    __slots__ = ("kind", "owner", "chain", "floors", "root_frame", "start", "children", "children_of", "late")

    def __init__(self, kind, owner, chain=(), floors=(), root_frame=None):
        self.kind = kind
        #: The task that may stop.
        self.owner = owner
        #: Its awaiters, nearest first; each becomes the owner once those before are over.
        self.chain = list(chain)
        #: Frames of the owner in which to stop, innermost first; the first one that lives counts. Empty: any frame.
        self.floors = list(floors)
        #: The frame that started the loop, when the last of the chain is its root task.
        self.root_frame = root_frame
        #: (frame, line, instruction) at which the step began, for coroutine frames.
        self.start = None
        #: Ticks that have passed since the owner ended.
        self.late = 0
        #: Cache for "in": addresses of the tasks awaited by the owner while it waits on `children_of`.
        self.children = frozenset()
        self.children_of = None


#: thread ident -> plan of the step that runs now.
_plans = {}
#: Tasks to stop at when they resume ("break when this task resumes"), by address. Held until then or until they end.
_wanted = {}

_hooks = None


def install(options):
    global _hooks
    _hooks = stops.StopHooks(_allow, _stopped, _tell, _resumed, _failed)
    if pydevd.db() is not None:
        _hooks.install()
    exits.install(_plans, _owner_failed, _failed)
    core.on_start(_again)
    core.on_tick(_tend)


def _again():
    if pydevd.db() is not None:
        _hooks.install()


def _owns_stops():
    return core.state.live and bool(core.state.options.get("ownsStops"))


def _failed(what, error):
    core.note({"kind": "message", "level": "warning", "text": "%s: %s" % (what, core._describe(error))})


# --- planning (on the thread that goes on) -----------------------------------------------------------------------------


def _visible(frames):
    return [frame for frame in frames if pydevd.is_visible(frame)]


def _root_frame(task, chain, frames):
    """The frame that called asyncio.run (or trio.run): where the program goes on after its root task."""
    last = chain[-1] if chain else task
    if awaiters.is_trio(last):
        if not any(runner.main_task is last for runner, _ident, _task in awaiters.trio_runs()):
            return None
    elif not _is_root(last):
        return None
    body = awaiters.body_frame(task)
    below = False
    for frame in frames:
        if below and pydevd.is_user_file(frame.f_code.co_filename) and pydevd.is_visible(frame):
            return frame
        below = below or frame is body
    return None


def _is_root(task):
    for entry in getattr(task, "_callbacks", None) or ():
        callback = entry[0] if isinstance(entry, tuple) else entry
        name = getattr(callback, "__qualname__", "") or repr(callback)
        if "run_until_complete" in name or "done_cb" in name:
            return True
    return False


def _stack(frame, traceback):
    """The frames that debugpy showed of a thread, leaf first: with an exception, those that it has left already as well."""
    left = []
    while traceback is not None:
        left.append(traceback.tb_frame)
        traceback = traceback.tb_next
    left.reverse()
    if left:
        frame = left[-1].f_back
    while frame is not None:
        left.append(frame)
        frame = frame.f_back
    return left


def _planned(kind, frame, traceback):
    """A plan for the step of the calling thread from `frame` on; None when no task runs in it: debugpy's own step is right then."""
    task = awaiters.current_task_here()
    body = awaiters.body_frame(task) if task is not None else None
    if body is None:
        return None
    stack = _stack(frame, traceback)
    own = []
    for frame in stack:
        own.append(frame)
        if frame is body:
            break
    else:
        return None
    own = _visible(own)
    chain = [awaiter for awaiter, _via in frames_of_tasks.awaiters_at_stop(task)]
    root = _root_frame(task, chain, stack)
    if kind != "out":
        return Plan(kind, task, chain, own if kind == "next" else (), root)
    below = own[1:] if own and own[0] is _leaf_visible(stack) else own
    if below:
        return Plan(kind, task, chain, below, root)
    if chain:
        return Plan(kind, chain[0], chain[1:], (), root)
    return Plan(kind, None, (), (), root)


def _leaf_visible(stack):
    return next((frame for frame in stack if pydevd.is_visible(frame)), None)


@core.rpc("step.resume")
def step_resume(params):
    """
    Run until this suspended task resumes. While stopped: from the next `continue` on; while running: from now.

    :param task: address.
    :return: `{armed, name}`.
    """
    return _want(int(params["task"]))


@core.rpc("step.breakOnResume")
def step_break_on_resume(params):
    """As `step.resume`; `{task, on: false}` takes it back."""
    if params.get("on") is False:
        return {"armed": _wanted.pop(int(params["task"]), None) is not None}
    return _want(int(params["task"]))


def _want(address):
    task = awaiters.task_by_id(address)
    if task is None:
        raise LookupError("this task has ended")
    if not awaiters.is_trio(task) or getattr(task, "coro", None) is not None:
        chain = awaiters.task_frames(task)
        if not _visible(chain):
            raise LookupError(
                'no frame of "%s" is in your own code, so it can\'t be stopped there; set "justMyCode": false to see library code'
                % frames_of_tasks.title(task)
            )
    _wanted[address] = task
    if not frames_of_tasks._stopped():
        thread = _thread_of(task)
        if thread is not None:
            _begin(thread, Plan("resume", task))
    return {"armed": True, "name": frames_of_tasks.title(task)}


def _thread_of(task):
    if awaiters.is_trio(task):
        for runner, ident, _current in awaiters.trio_runs():
            if task in runner.tasks:
                return pydevd.thread_by_ident(ident)
        return None
    loop = awaiters.loop_of(task)
    ident = getattr(loop, "_thread_id", None)
    if ident is None:
        for other in list(sys._current_frames()):
            if awaiters.loop_of_thread(other) is loop:
                ident = other
                break
    return pydevd.thread_by_ident(ident) if ident else None


# --- the stopping thread ---------------------------------------------------------------------------------------------------


def _top_frame():
    """The user's frame in which pydevd wants to stop (or which returns to it), seen from inside our wrapper."""
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename.replace("\\", "/").rpartition("/")[2]
        if not name.startswith(("_ah_", "pydevd", "_pydevd", "sys_monitoring", "_pydev")):
            return frame
        frame = frame.f_back
    return None


def _on_stack(frame, top):
    while top is not None:
        if top is frame:
            return True
        top = top.f_back
    return False


def _allow(thread):
    """Asked by pydevd before a step stops. False = not here; the step is aimed anew."""
    plan = _plans.get(thread.ident)
    if plan is None:
        return True
    current = awaiters.current_task_here()
    if current is not None and id(current) in _wanted:
        return True
    while plan.owner is not None and awaiters.task_done(plan.owner):
        plan.owner = plan.chain.pop(0) if plan.chain else None
        plan.floors = []
    top = _top_frame()
    if plan.owner is None:
        if plan.root_frame is None:
            _end(thread)
            pydevd.drop_step(thread)
            return False
        if not awaiters.loop_runs_here():
            return True
        _aim(thread, plan.root_frame)
        return False
    if current is plan.owner:
        floor = next((frame for frame in plan.floors if _on_stack(frame, top)), None)
        if floor is None or top is floor:
            if not _same_place(plan, top):
                return True
            floor = top  # the clean-up of an await that fails counts as its line once more
        _aim(thread, floor)  # in something that the frame called
        return False
    if plan.kind == "in" and current is not None and id(current) in _children(plan):
        return True
    _aim_at_owner(thread, plan)
    return False


def _same_place(plan, frame):
    """Whether the step has only gone on within the statement it began at (a loop would have jumped back)."""
    if plan.start is None or plan.start[0] is not frame or not pydevd.uses_monitoring() or exits.is_returning(frame):
        return False
    return frame.f_lineno == plan.start[1] and frame.f_lasti > plan.start[2]


def _children(plan):
    """Addresses of the tasks that the suspended owner waits for, however indirectly."""
    waits_on = getattr(plan.owner, "_fut_waiter", None)
    if not awaiters.is_trio(plan.owner):
        if waits_on is None:
            return frozenset()
        if plan.children_of is waits_on:
            return plan.children
    plan.children_of = waits_on
    relation = awaiters.Awaiters()
    found = {}
    open_tasks = [plan.owner]
    while open_tasks and len(found) < 500:
        for child in relation.children_of(open_tasks.pop()):
            if id(child) not in found:
                found[id(child)] = child
                if not any(
                    pydevd.is_user_file(code.co_filename)
                    for code in awaiters.chain_codes(awaiters.coroutine_of(child))[:1]
                ):
                    open_tasks.append(child)  # a library's wrapper task: what it awaits counts as well
    plan.children = frozenset(found)
    return plan.children


def _aim_at_owner(thread, plan):
    chain = awaiters.task_frames(plan.owner)
    target = next((frame for frame in plan.floors if any(frame is own for own in chain)), None)
    if target is None:
        target = next(iter(_visible(chain)), None)
    if target is None or (plan.kind == "in" and _children(plan)):
        pydevd.step_into_any(thread)
    else:
        _aim(thread, target)


def _aim(thread, frame):
    pydevd.step_over_in(thread, frame)


def _begin(thread, plan):
    """Starts a plan on a thread that is about to run (or runs)."""
    _plans[thread.ident] = plan
    if plan.kind == "resume":
        _aim_at_owner(thread, plan)
    elif plan.kind == "in":
        pydevd.step_into_any(thread, pydevd.thread_info(thread).pydev_step_stop)
    elif plan.kind == "out":
        if plan.owner is None and plan.root_frame is not None:
            _aim(thread, plan.root_frame)
        elif plan.owner is None:
            _end(thread)
            pydevd.drop_step(thread)
        elif plan.floors:
            _aim(thread, plan.floors[0])
        else:
            _aim_at_owner(thread, plan)
    if plan.kind in ("next", "in") and pydevd.uses_monitoring():
        # What may come after, or be stepped into: awaiters' frames, for "in" those of every task (each code object counts once).
        tasks = plan.chain
        if plan.kind == "in":
            tasks = awaiters.asyncio_tasks()[:2000] + [task for task, _ in awaiters.trio_tasks()[:2000]]
        frames = [frame for task in tasks if task is not plan.owner for frame in _visible(awaiters.task_frames(task))]
        pydevd.watch_frames(thread, frames + ([plan.root_frame] if plan.root_frame is not None else []))
    exits.watch(bool(_plans))


def _end(thread):
    _plans.pop(thread.ident, None)
    exits.watch(bool(_plans))


def _stopped(thread, frame):
    """
    A real stop, of whatever reason, ends all steps (as debugpy does). What watches for exits stays until it is known how the thread
    goes on: to take it away and put it back makes the interpreter instrument all code anew, twice a step.
    """
    _plans.clear()
    current = awaiters.current_task_here()
    if current is not None:
        _wanted.pop(id(current), None)


def _tell(thread, key):
    return frames_of_tasks.tell(thread, key) if _owns_stops() else None


def _resumed(thread, frame, traceback):
    try:
        if pydevd.db() is not None:  # else it goes on because the debugger goes
            _go_on(thread, frame, traceback)
    finally:
        frames_of_tasks.forget_stop()
    if not _plans:
        exits.watch(False)


def _go_on(thread, frame, traceback):
    info = pydevd.thread_info(thread)
    kind = pydevd.STEP_KINDS.get(info.pydev_step_cmd)
    if kind is not None and _owns_stops():
        plan = _planned(kind, frame, traceback)
        if plan is not None:
            if frame.f_code.co_flags & 0x280:  # coroutines and async generators
                plan.start = (frame, frame.f_lineno, frame.f_lasti)
            _begin(thread, plan)
    elif info.pydev_step_cmd == -1 and _wanted:
        _begin_wanted()


def _begin_wanted():
    """The program goes on and there are tasks to stop at: one plan per loop thread."""
    by_thread = {}
    for address, task in list(_wanted.items()):
        if awaiters.task_done(task):
            _wanted.pop(address, None)
            continue
        thread = _thread_of(task)
        if thread is not None:
            by_thread.setdefault(thread.ident, (thread, []))[1].append(task)
    for thread, tasks in by_thread.values():
        if len(tasks) == 1:
            _begin(thread, Plan("resume", tasks[0]))
        else:  # pydevd aims at one frame only; the filter picks the wanted tasks
            _plans[thread.ident] = Plan("resume", tasks[0])
            pydevd.step_into_any(thread)


# --- steps that would get lost ------------------------------------------------------------------------------------------------------------


def _owner_failed(task):
    thread = threading.current_thread()
    plan = _plans.get(thread.ident)
    if plan is None or plan.owner is not task or plan.kind != "next":
        return
    plan.owner = plan.chain.pop(0) if plan.chain else None
    plan.floors = []
    if plan.owner is not None:
        _aim_at_owner(thread, plan)
    elif plan.root_frame is not None:
        _aim(thread, plan.root_frame)


def _tend():
    """Each tick: steps whose frame is gone (left by an exception under sys.settrace) are aimed at what comes after it."""
    for ident, plan in list(_plans.items()):
        thread = pydevd.thread_by_ident(ident)
        if thread is None:
            _plans.pop(ident, None)
            continue
        if plan.owner is None or not awaiters.task_done(plan.owner):
            continue
        plan.late += 1
        if (
            plan.late < 3
        ):  # what comes after it is being aimed at by the thread itself; this is for what slipped through
            continue
        plan.late = 0
        while plan.owner is not None and awaiters.task_done(plan.owner):
            plan.owner = plan.chain.pop(0) if plan.chain else None
            plan.floors = []
        if plan.owner is not None:
            _aim_at_owner(thread, plan)
        elif plan.root_frame is None:
            _end(thread)
            pydevd.drop_step(thread)
    for address, task in list(_wanted.items()):
        if awaiters.task_done(task):
            _wanted.pop(address, None)
