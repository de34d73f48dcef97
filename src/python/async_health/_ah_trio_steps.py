"""The steps of trio's tasks: how many, how long, how long each waited for its turn; and the turns of a run.

Statements in trio's own `unrolled_run` and `Runner.reschedule` count them, without a call into the probe: about 0.3 us a step,
where an instrument of trio's public interface takes 2.6. A generator that runs keeps its code, so a run that was there before
the probe is given `StepInstrument` for its steps; where the source does not match, each run is given an instrument for all.
"""

import ast
import threading
import weakref

from . import _ah_core as core
from . import _ah_locks as locks
from . import _ah_splice as splice
from . import _ah_wire as w
from ._ah_system import tell_block

HOOK = "trio.tasks"

AH = locks.Hooks()
_now = core.now

tasks = {}  # address -> Known
dirty = {}  # address -> Known, moved since it was last looked at
runs = {}  # address of the runner -> Run


class Known:
    """One live task: statistics in ns, and what was told of it."""

    __slots__ = (
        "ref", "key", "name", "coroutine", "creator", "stack", "group", "steps", "busy", "longest", "queued",
        "longest_queued", "ready", "moved", "told_steps", "told_wait", "run",
    )  # fmt: skip


def known_task(task, key, name, coroutine, creator, stack, group, run, new=Known.__new__, reference=weakref.ref):
    """A `Known`. Not by its class's `__init__`: to call that from C takes 150 ns longer."""
    known = new(Known)
    known.ref = reference(task)
    known.key = key
    known.name = name
    known.coroutine = coroutine
    known.creator = creator
    known.stack = stack
    known.group = group
    known.steps = known.busy = known.longest = known.queued = known.longest_queued = 0
    #: When it was scheduled last, 0 before the first time that was seen.
    known.ready = 0
    #: Is it in `dirty`?
    known.moved = False
    known.told_steps = -1
    known.told_wait = None
    known.run = run
    return known


class Run:
    """One call of `trio.run` (or a guest run): the loop of the model."""

    __slots__ = ("ref", "key", "thread", "turns", "step_start", "step", "blocked", "worst", "told")

    def __init__(self, runner):
        self.ref = weakref.ref(runner)
        self.key = id(runner)
        self.thread = threading.get_ident()
        self.turns = 0
        #: When the step that runs now began, 0 between steps; the task, and the stack id once it counts as blocked.
        self.step_start = 0
        self.step = None
        self.blocked = 0
        #: Longest wait for a step since the last tick, ns.
        self.worst = 0
        self.told = 0


def start_run(runner):
    """Announce a run."""
    key = id(runner)
    run = runs[key] = Run(runner)
    core.emit(w.OP_LOOP_NEW, key, run.thread, core.string_id("trio"))
    return run


def _started(runner):
    """A run with our statements begins. Whatever happens it gets an object to count with."""
    try:
        return start_run(runner)
    except Exception as error:
        core.fail(HOOK, error)
        return Run(runner)


def _unblocked(run, known, busy):
    """A step was long, or was said to be while it lasted."""
    try:
        stack, run.blocked = run.blocked, 0
        tell_block(w.OP_LOOP_BLOCK_END, run.key, known.key, busy, max(stack, 0))
    except Exception as error:
        core.fail(HOOK, error)


class StepInstrument:
    """Counts the steps of a run that has not our statements. One that throws is taken out by trio and reported by us."""

    def __init__(self, context):
        self._context = context

    def before_task_step(self, task):
        try:
            known = tasks.get(id(task))
            if known is not None and known.ready:
                start = _now()
                queued = start - known.ready
                known.queued += queued
                if queued > known.longest_queued:
                    known.longest_queued = queued
                run = known.run
                run.step = known
                run.step_start = start
                if queued > run.worst:
                    run.worst = queued
        except Exception as error:
            core.fail(HOOK, error)

    def after_task_step(self, task):
        try:
            run = runs.get(id(task._runner))
            if run is None or not run.step_start:
                return
            known = run.step
            busy = _now() - run.step_start
            run.step_start = 0
            known.steps += 1
            known.busy += busy
            if busy > known.longest:
                known.longest = busy
            if busy > AH.threshold or run.blocked:
                _unblocked(run, known, busy)
        except Exception as error:
            core.fail(HOOK, error)

    def before_io_wait(self, timeout):
        try:
            run = runs.get(id(self._context.runner))
            if run is not None:
                run.turns += 1
        except Exception as error:
            core.fail(HOOK, error)


def scheduled(task):
    """What the statement in `Runner.reschedule` does, for an instrument."""
    known = tasks.get(id(task))
    if known is not None:
        known.ready = _now()
        if not known.moved:
            known.moved = True
            dirty[known.key] = known


_SCHEDULED = """
_ah_known = AH.tasks.get(id(task))
if _ah_known is not None:
    _ah_known.ready = AH.now()
    if not _ah_known.moved:
        _ah_known.moved = True
        AH.dirty[_ah_known.key] = _ah_known
"""

_BEGINS = """
_ah_known = AH.tasks.get(id(task))
if _ah_known is not None:
    _ah_run.step = _ah_known
    _ah_run.step_start = _ah_start = AH.now()
    _ah_queued = _ah_start - _ah_known.ready
    _ah_known.queued += _ah_queued
    if _ah_queued > _ah_known.longest_queued: _ah_known.longest_queued = _ah_queued
    if _ah_queued > _ah_run.worst: _ah_run.worst = _ah_queued
"""

_ENDS = """
if _ah_known is not None:
    _ah_busy = AH.now() - _ah_start
    _ah_run.step_start = 0
    _ah_known.steps += 1
    _ah_known.busy += _ah_busy
    if _ah_busy > _ah_known.longest: _ah_known.longest = _ah_busy
    if _ah_busy > AH.threshold or _ah_run.blocked: AH.unblocked(_ah_run, _ah_known, _ah_busy)
"""


def _asks_for(hook):
    """A matcher: `if "<hook>" in runner.instruments: ...`."""

    def match(statement):
        left = getattr(getattr(statement, "test", None), "left", None)
        return isinstance(statement, ast.If) and isinstance(left, ast.Constant) and left.value == hook

    return match


AH.tasks, AH.dirty, AH.now, AH.threshold = tasks, dirty, _now, 100_000_000
AH.started, AH.unblocked = _started, _unblocked


def install(module, hooks, changed):
    """Put the statements into `trio._core._run`, all or none; False when the source does not match.

    `hooks.spawned(runner, task)` is called for each new task. `changed()` is called when `unrolled_run` gets other code.
    """
    runner = module.Runner
    edits = (
        (
            module.unrolled_run,
            (
                # Before and after the program's own instruments, whose time is not the task's.
                splice.before(_asks_for("before_run"), "_ah_run = AH.started(runner)", AH),
                splice.before(_asks_for("before_io_wait"), "_ah_run.turns += 1", AH),
                splice.after(_asks_for("before_task_step"), _BEGINS, AH),
                splice.before(_asks_for("after_task_step"), _ENDS, AH),
            ),
        ),
        (runner.reschedule, (splice.append(_SCHEDULED, AH),)),
        (runner.spawn_impl, (splice.after(_asks_for("task_spawned"), "AH.spawned(self, task)", hooks),)),
    )
    done = []

    def undo():
        for function, changes in done:
            splice.unsplice(function, *changes)
        changed()

    try:
        for function, changes in edits:
            names = splice.underlying(function).__code__.co_varnames
            if "task" not in names or ("runner" if function is module.unrolled_run else "self") not in names:
                raise splice.SpliceError("%s has other names" % function.__qualname__)
            splice.splice(function, *changes)
            done.append((function, changes))
    except Exception:
        undo()
        return False
    core.on_remove(HOOK, undo)
    changed()
    return True
