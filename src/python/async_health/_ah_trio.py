"""trio's runs, tasks and steps in the terms of the common model; guest mode included.

The public Instrument interface gives spawning, scheduling and steps; it is handed to each run by way of
`trio._core._run.setup_runner`. How a task ended is seen in `Runner.task_exited`. Nothing here imports trio.
"""

import ast
import gc
import os
import sys
import threading
import weakref

from . import _ah_core as core
from . import _ah_intern as intern
from . import _ah_locks as locks
from . import _ah_splice as splice
from . import _ah_trio_scopes as scopes
from . import _ah_trio_waits as waits
from . import _ah_wire as w
from ._ah_pack import SLICE, pack_while_hot
from ._ah_system import tell_block
from ._ah_task_facts import exception_text, traceback_id

HOOK = "trio.tasks"

#: Tasks looked at per tick.
_SAMPLED_PER_TICK = 500

AH = locks.Hooks()
_getframe = sys._getframe
_now = core.now


class Known:
    """One live task: statistics in ns, and what was told of it."""

    __slots__ = (
        "ref", "key", "name", "coroutine", "creator", "stack", "group", "steps", "busy", "longest", "waits", "queued",
        "longest_queued", "ready", "told_steps", "told_wait", "runner",
    )  # fmt: skip

    def __init__(self, task, creator, stack, group, runner):
        self.ref = weakref.ref(task)
        self.key = id(task)
        self.name = task.name
        self.coroutine = _coroutine_name(task)
        self.creator = creator
        self.stack = stack
        self.group = group
        self.steps = self.busy = self.longest = 0
        self.waits = self.queued = self.longest_queued = 0
        self.ready = 0
        self.told_steps = -1
        self.told_wait = None
        self.runner = runner


tasks = {}  # address -> Known
dirty = {}  # address -> Known, moved since it was last looked at
runs = {}  # address of the runner -> Run


class Run:
    """One call of `trio.run` (or a guest run): the loop of the model."""

    __slots__ = ("ref", "key", "thread", "turns", "step_start", "step_task", "blocked", "turn_start", "worst", "told")

    def __init__(self, runner):
        self.ref = weakref.ref(runner)
        self.key = id(runner)
        self.thread = threading.get_ident()
        self.turns = 0
        #: When the step that runs now began, 0 between steps; the task, and the stack id once it counts as blocked.
        self.step_start = 0
        self.step_task = 0
        self.blocked = 0
        self.turn_start = 0
        self.worst = 0
        self.told = 0


def _coroutine_name(task):
    coroutine = task.coro
    name = getattr(coroutine, "__qualname__", None) or type(coroutine).__name__
    if (
        name == "TaskHandle._run_coro"
    ):  # newer anyio runs the function's coroutine in one of its own, a method of the handle
        # Before 3.11 what a coroutine holds is held by its frame, an object of its own.
        for handle in gc.get_referents(coroutine if sys.version_info >= (3, 11) else coroutine.cr_frame):
            inner = getattr(handle, "_coro", None)
            if inner is not None:
                return getattr(inner, "__qualname__", None) or type(inner).__name__
    return name


def _announce(known):
    t = core.now()
    key = known.key
    # OP_TASK_NEW, OP_TASK_NAME, OP_TASK_GROUP. Who awaits it is told at the first look, see `_sample`.
    rows = (1, t, key, known.creator, core.string_id(known.coroutine), known.stack)
    rows += (3, t, key, 0, core.string_id(known.name), 0)
    if known.group:
        rows += (9, t, key, known.group, 0, 0)
    if not known.creator:
        rows += (11, t, key, known.runner, 0, 0)  # OP_TASK_LOOP
    core.extend(rows)


def adopt(task, creator, stack):
    """Announce a task."""
    runner = task._runner
    nursery = task.parent_nursery
    group = id(nursery.cancel_scope) if nursery is not None else 0
    known = tasks[id(task)] = Known(task, creator, stack, group, id(runner))
    if id(runner) not in runs:
        start_run(runner)
    _announce(known)
    return known


def start_run(runner):
    """Announce a run."""
    key = id(runner)
    run = runs[key] = Run(runner)
    core.emit(w.OP_LOOP_NEW, key, run.thread, core.string_id("trio"))
    return run


class ProbeInstrument:
    """What trio calls. Each method must stay cheap; one that throws is taken out by trio and reported by us."""

    def __init__(self, module):
        self._module = module
        self._context = module.GLOBAL_RUN_CONTEXT
        self._threshold = 100_000_000

    def _failed(self):
        core.fail(HOOK)

    def before_run(self):
        try:
            start_run(self._context.runner)
        except Exception:
            self._failed()

    def task_spawned(self, task):
        try:
            current = getattr(self._context, "task", None)
            adopt(task, 0 if current is None else id(current), scopes.stack_of(_getframe(1)))
        except Exception:
            self._failed()

    def task_scheduled(self, task):
        try:
            known = tasks.get(id(task))
            if known is not None:
                known.ready = _now()
                dirty[known.key] = known
        except Exception:
            self._failed()

    def before_task_step(self, task):
        try:
            known = tasks.get(id(task))
            if known is not None and known.ready:
                start = _now()
                queued = start - known.ready
                known.waits += 1
                known.queued += queued
                if queued > known.longest_queued:
                    known.longest_queued = queued
                run = runs.get(known.runner)
                if run is not None:
                    run.step_task = known.key
                    run.step_start = start
                    if queued > run.worst:
                        run.worst = queued
        except Exception:
            self._failed()

    def after_task_step(self, task):
        try:
            run = runs.get(id(task._runner))
            if run is None or not run.step_start:
                return
            busy = _now() - run.step_start
            run.step_start = 0
            known = tasks.get(id(task))
            if known is not None:
                known.steps += 1
                known.busy += busy
                if busy > known.longest:
                    known.longest = busy
            if run.blocked or busy > self._threshold:
                stack, run.blocked = run.blocked, 0
                tell_block(w.OP_LOOP_BLOCK_END, run.key, id(task), busy, max(stack, 0))
        except Exception:
            self._failed()

    def before_io_wait(self, timeout):
        try:
            run = runs.get(id(self._context.runner))
            if run is not None:
                run.turns += 1
        except Exception:
            self._failed()


@core.hook(HOOK)
def _instruments(given):
    return list(given) + [AH.instrument]


@core.hook(HOOK)
def _run_over(runner):
    if runs.pop(id(runner), None) is not None:
        core.emit(w.OP_LOOP_END, id(runner))


@core.hook(HOOK)
def _ended(task, outcome):
    known = tasks.pop(id(task), None)
    dirty.pop(id(task), None)
    if known is None:
        return
    run = runs.get(known.runner)
    if run is not None and run.step_start:  # its last step is not over yet
        known.steps += 1
        known.busy += core.now() - run.step_start
    if known.told_steps >= 0 or core.state.level == core.FULL:  # not of the many that live for less than a tick
        _tell_statistics(known)
    error = getattr(outcome, "error", None)
    if error is None:
        core.emit(w.OP_TASK_END, known.key, 0, w.OUTCOME_OK)
        if len(core.buf) >= SLICE:
            pack_while_hot()
        return
    if _only(error, AH.Cancelled):
        core.emit(w.OP_TASK_END, known.key, 0, w.OUTCOME_CANCELLED)
        return
    core.emit(w.OP_TASK_END, known.key, core.string_id(exception_text(error)), w.OUTCOME_FAILED, traceback_id(error))


def _only(error, kind):
    """Is it `kind`, or a group of nothing else?"""
    if isinstance(error, kind):
        return True
    inner = getattr(error, "exceptions", None)
    return isinstance(inner, tuple) and bool(inner) and all(_only(one, kind) for one in inner)


def current_task():
    """trio's running task in this thread, or None."""
    return getattr(AH.context, "task", None)


# --- on the probe's thread ------------------------------------------------------------------------------------------


def _tell_statistics(known):
    if known.steps != known.told_steps:
        known.told_steps = known.steps
        core.emit(w.OP_TASK_STEPS, known.key, known.steps, known.busy, known.longest)
        core.emit(w.OP_TASK_SCHED, known.key, known.waits, known.queued, known.longest_queued)


def _sample(known):
    task = known.ref()
    if task is None:
        tasks.pop(known.key, None)
        core.emit(w.OP_TASK_END, known.key, 0, w.OUTCOME_DROPPED)
        return
    _tell_statistics(known)
    if known.told_wait is None and task.parent_nursery is not None:
        core.emit(w.OP_TASK_AWAITED_BY, known.key, id(task.parent_nursery.parent_task), w.VIA_NURSERY)
    run = runs.get(known.runner)
    if run is not None and run.step_start and run.step_task == known.key:
        wait = (0, w.WAIT_RUNNING, 0)
        dirty[known.key] = known
    elif task._next_send_fn is not None:
        wait = (0, w.WAIT_READY, 0)
        dirty[known.key] = known
    else:
        wait = waits.of(task) + (core.chain_id(task.coro),)
    if wait != known.told_wait:
        known.told_wait = wait
        core.emit(w.OP_TASK_WAIT, known.key, *wait)


def _watch(run):
    """A step that runs on and on: say so while it lasts, with the thread's stack."""
    runner = run.ref()
    if runner is None:
        runs.pop(run.key, None)
        core.emit(w.OP_LOOP_END, run.key)
        return
    start = run.step_start
    if start and core.now() - start > AH.instrument._threshold:
        frame = sys._current_frames().get(run.thread)
        stack = core.stack_id(frame, 40) if frame is not None else 0
        run.blocked = stack or -1
        tell_block(w.OP_LOOP_BLOCK, run.key, run.step_task, core.now() - start, stack)
    if run.turns != run.told:
        run.told = run.turns
        core.emit(w.OP_LOOP_STAT, run.key, run.turns, run.worst, len(getattr(runner, "runq", ())))
        run.worst = 0


def _tick():
    for run in list(runs.values()):
        _watch(run)
    count = 0
    for key in list(dirty):
        known = dirty.pop(key, None)
        if known is not None and key in tasks:
            _sample(known)
            count += 1
            if count >= _SAMPLED_PER_TICK:
                break
    scopes.tick()


def _sync():
    for run in list(runs.values()):
        core.emit(w.OP_LOOP_NEW, run.key, run.thread, core.string_id("trio"))
    scopes.sync()
    for known in list(tasks.values()):
        _announce(known)
        known.told_steps = -1
        known.told_wait = None
        dirty[known.key] = known


def _forget():
    for known in list(tasks.values()):
        known.stack = 0
    scopes.forget()


# --- installation ---------------------------------------------------------------------------------------------------


def _adopt_run(runner):
    """In trio's own thread: take over a run that was there before the probe."""
    try:
        runner.instruments.add_instrument(AH.instrument)
        if id(runner) not in runs:
            start_run(runner)
        nurseries = {id(one.cancel_scope): id(task) for task in runner.tasks for one in task._child_nurseries}
        seen = set()
        for task in list(runner.tasks):
            status = task._cancel_status
            chain = []
            while status is not None and id(status) not in seen:
                seen.add(id(status))
                chain.append(status)
                status = status._parent
            if id(task) not in tasks:
                adopt(task, 0, 0)
                dirty[id(task)] = tasks[id(task)]
            for status in reversed(chain):
                scope = status._scope
                if id(scope) not in scopes.open_scopes:
                    kind = w.SCOPE_TRIO_NURSERY if id(scope) in nurseries else w.SCOPE_TRIO_CANCEL_SCOPE
                    scopes.adopt(scope, nurseries.get(id(scope), id(task)), kind, 0)
    except Exception:
        core.fail(HOOK)


def _install_run(module):
    AH.instrument = ProbeInstrument(module)
    thresholds = core.state.options.get("thresholds") or {}
    AH.instrument._threshold = int(thresholds.get("blockedLoopMs") or 100) * 1_000_000
    AH.instruments = _instruments
    AH.ended = _ended
    AH.run_over = _run_over
    AH.context = module.GLOBAL_RUN_CONTEXT
    AH.Cancelled = module.Cancelled
    core.current_task_finders.append(current_task)
    directory = os.path.dirname(os.path.dirname(module.__file__)) + os.sep
    locks.add_directory(directory)
    intern.add_library(directory)

    def removes_task(statement):
        call = getattr(statement, "value", None)
        return isinstance(statement, ast.Expr) and isinstance(call, ast.Call) and ast.dump(call.func) == _REMOVE

    if not splice.apply(HOOK, module.setup_runner, splice.prepend("instruments = AH.instruments(instruments)", AH)):
        return
    splice.apply(HOOK, module.Runner.task_exited, splice.before(removes_task, "AH.ended(task, outcome)", AH))
    # Not the instrument's `after_run`: trio's own tests hold that nobody listens to that by default.
    splice.apply(HOOK, module.Runner.close, splice.prepend("AH.run_over(self)", AH))
    scopes.install(module)
    core.on_tick(_tick)
    core.on_sync(_sync)
    core.on_start(_forget)
    if "trio" in sys.modules and not getattr(sys.modules["trio"].__spec__, "_initializing", False):
        for runner in [one for one in gc.get_objects() if type(one) is module.Runner]:
            try:
                runner.entry_queue.run_sync_soon(_adopt_run, runner)
            except Exception:  # a run that has ended
                continue


_REMOVE = ast.dump(ast.parse("self.tasks.remove", mode="eval").body)


def install(options):
    """Hook trio, now or once it is imported."""
    core.on_import("trio._core._run", _install_run)
    waits.install()
