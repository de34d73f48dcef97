"""trio's runs, tasks and steps in the terms of the common model; guest mode included.

Births are seen in `Runner.spawn_impl`, ends in `Runner.task_exited`, steps by `_ah_trio_steps`. Where trio's source does not match,
an instrument of its public interface gives spawning, scheduling and steps; it is handed to each run by way of
`trio._core._run.setup_runner`. Nothing here imports trio.
"""

import ast
import gc
import os
import sys

from . import _ah_core as core
from . import _ah_intern as intern
from . import _ah_locks as locks
from . import _ah_splice as splice
from . import _ah_trio_scopes as scopes
from . import _ah_trio_steps as steps
from . import _ah_trio_waits as waits
from . import _ah_wire as w
from ._ah_pack import SLICE, pack_while_hot
from ._ah_system import tell_block
from ._ah_task_facts import exception_text, traceback_id
from ._ah_trio_steps import HOOK, dirty, known_task, runs, start_run, tasks

#: Tasks looked at per tick.
_SAMPLED_PER_TICK = 500

AH = locks.Hooks()
_getframe = sys._getframe
_now = core.now
_extend = core.extend
_buf = core.buf
_state = core.state
_strings = intern._strings
_string_id = core.string_id


def _inner_name(coroutine):
    """Newer anyio runs the function's coroutine in one of its own, a method of the handle."""
    # Before 3.11 what a coroutine holds is held by its frame, an object of its own.
    for handle in gc.get_referents(coroutine if sys.version_info >= (3, 11) else coroutine.cr_frame):
        inner = getattr(handle, "_coro", None)
        if inner is not None:
            return getattr(inner, "__qualname__", None) or type(inner).__name__
    return coroutine.__qualname__


def _announce(known):
    key, group, creator = known.key, known.group, known.creator
    text = known.name
    name = _strings.get(text) or _string_id(text)
    text = known.coroutine
    coroutine = _strings.get(text) or _string_id(text)
    t = _now()
    # OP_TASK_NEW, OP_TASK_NAME, OP_TASK_GROUP. Who awaits it is told at the first look, see `_sample`.
    if group:
        _extend((1, t, key, creator, coroutine, known.stack, 3, t, key, 0, name, 0, 9, t, key, group, 0, 0))
    else:
        _extend((1, t, key, creator, coroutine, known.stack, 3, t, key, 0, name, 0))
    if not creator:
        _extend((11, t, key, known.run.key, 0, 0))  # OP_TASK_LOOP


def adopt(task, creator, stack, run):
    """Announce a task."""
    coroutine = task.coro
    try:
        name = coroutine.__qualname__ or type(coroutine).__name__
    except AttributeError:
        name = type(coroutine).__name__
    if name == "TaskHandle._run_coro":
        name = _inner_name(coroutine)
    nursery = task._parent_nursery
    key = id(task)
    known = tasks[key] = known_task(
        task, key, task.name, name, creator, stack, 0 if nursery is None else id(nursery.cancel_scope), run
    )
    _announce(known)
    return known


def _spawned(runner, task):
    """In `spawn_impl`."""
    try:
        run = runs.get(id(runner)) or start_run(runner)
        level = _state.level
        frame = _getframe(2)
        adopt(
            task,
            # The step that runs knows its task; to ask trio's thread-local storage takes longer.
            run.step.key if run.step_start else scopes.running_id(),
            0 if not level else scopes.spawn_stack(frame) if level == 1 else scopes.stack_of(frame),
            run,
        )
    except Exception as error:
        core.fail(HOOK, error)


class ProbeInstrument(steps.StepInstrument):
    """What trio calls for all of it, where its source does not match."""

    def before_run(self):
        try:
            start_run(self._context.runner)
        except Exception as error:
            core.fail(HOOK, error)

    def task_spawned(self, task):
        try:
            runner = task._runner
            run = runs.get(id(runner)) or start_run(runner)
            adopt(task, scopes.running_id(), scopes.stack_of(_getframe(1)), run)
        except Exception as error:
            core.fail(HOOK, error)

    def task_scheduled(self, task):
        try:
            steps.scheduled(task)
        except Exception as error:
            core.fail(HOOK, error)


@core.hook(HOOK)
def _instruments(given):
    return list(given) + [AH.instrument]


@core.hook(HOOK)
def _run_over(runner):
    if runs.pop(id(runner), None) is not None:
        core.emit(w.OP_LOOP_END, id(runner))
    for task in list(runner.tasks):  # a run that broke down
        scopes.left_open(task, None)


def _ended(task, outcome):
    try:
        key = id(task)
        known = tasks.pop(key, None)
        if known is None:
            return
        dirty.pop(key, None)
        if known.told_steps >= 0 or _state.level == 2:  # FULL; not of the many that live for less than a tick
            run = known.run
            if run.step_start:  # its last step is not over yet
                known.steps += 1
                known.busy += _now() - run.step_start
            _tell_statistics(known, known.steps)
        if type(outcome) is AH.Value or getattr(outcome, "error", None) is None:
            _extend((2, _now(), key, 0, 0, 0))  # OP_TASK_END, OUTCOME_OK
            if len(_buf) >= SLICE:
                pack_while_hot()
        else:
            _failed(key, outcome.error)
    except Exception as error:
        core.fail(HOOK, error)


def _failed(key, error):
    if _only(error, AH.Cancelled):
        core.emit(w.OP_TASK_END, key, 0, w.OUTCOME_CANCELLED)
    else:
        core.emit(w.OP_TASK_END, key, core.string_id(exception_text(error)), w.OUTCOME_FAILED, traceback_id(error))


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


def _tell_statistics(known, begun):
    """`begun`: how many steps were waited for, with that which runs."""
    if known.steps != known.told_steps:
        known.told_steps = known.steps
        core.emit(w.OP_TASK_STEPS, known.key, known.steps, known.busy, known.longest)
        core.emit(w.OP_TASK_SCHED, known.key, begun, known.queued, known.longest_queued)


def _sample(known):
    task = known.ref()
    if task is None:
        tasks.pop(known.key, None)
        core.emit(w.OP_TASK_END, known.key, 0, w.OUTCOME_DROPPED)
        return
    run = known.run
    runs_now = run.step_start and run.step is known
    _tell_statistics(known, known.steps + 1 if runs_now else known.steps)
    if known.told_wait is None and task.parent_nursery is not None:
        core.emit(w.OP_TASK_AWAITED_BY, known.key, id(task.parent_nursery.parent_task), w.VIA_NURSERY)
    if runs_now or task._next_send_fn is not None:
        wait = (0, w.WAIT_RUNNING if runs_now else w.WAIT_READY, 0)
        _look_again(known)
    else:
        wait = waits.of(task) + (core.chain_id(task.coro),)
    if wait != known.told_wait:
        known.told_wait = wait
        core.emit(w.OP_TASK_WAIT, known.key, *wait)


def _look_again(known):
    known.moved = True
    dirty[known.key] = known


def _watch(run):
    """A step that runs on and on: say so while it lasts, with the thread's stack."""
    runner = run.ref()
    if runner is None:
        runs.pop(run.key, None)
        core.emit(w.OP_LOOP_END, run.key)
        return
    start = run.step_start
    if start and core.now() - start > steps.AH.threshold:
        frame = sys._current_frames().get(run.thread)
        stack = core.stack_id(frame, 40) if frame is not None else 0
        run.blocked = stack or -1
        tell_block(w.OP_LOOP_BLOCK, run.key, run.step.key, core.now() - start, stack)
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
            known.moved = False  # first, so that what moves from here on is looked at again
            _sample(known)
            count += 1
            if count >= _SAMPLED_PER_TICK:
                break
    scopes.tick()


def _sync():
    for run in list(runs.values()):
        core.emit(w.OP_LOOP_NEW, run.key, run.thread, core.string_id("trio"))
    living = list(tasks.values())
    scopes.sync(filter(None, [known.ref() for known in living]))
    for known in living:
        _announce(known)
        known.told_steps = -1
        known.told_wait = None
        _look_again(known)


def _forget():
    for known in list(tasks.values()):
        known.stack = 0
    scopes.forget()


# --- installation ---------------------------------------------------------------------------------------------------


def _adopt_run(runner):
    """In trio's own thread: take over a run that was there before the probe."""
    try:
        runner.instruments.add_instrument(AH.instrument)
        run = runs.get(id(runner)) or start_run(runner)
        scopes.also_run_loop()
        nurseries = {id(one.cancel_scope): id(task) for task in runner.tasks for one in task._child_nurseries}
        for task in list(runner.tasks):
            if id(task) not in tasks:
                _look_again(adopt(task, 0, 0, run))
            host, chain = id(task), []
            for scope in scopes.chain_of(task):
                host = nurseries.get(id(scope), host)  # what is outside of a nursery is the nursery's parent in, too
                chain.append((scope, host))
            for scope, host in reversed(chain):
                if id(scope) not in scopes.open_scopes:
                    kind = w.SCOPE_TRIO_NURSERY if id(scope) in nurseries else w.SCOPE_TRIO_CANCEL_SCOPE
                    scopes.adopt(scope, host, kind)
    except Exception:
        core.fail(HOOK)


def _install_run(module):
    steps.AH.threshold = int(core.threshold_ms(core.state.options, "blockedLoopMs", 100)) * 1_000_000
    AH.instruments = _instruments
    AH.spawned = _spawned
    AH.Value = module.Value
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

    if steps.install(module, AH, lambda: scopes.run_loop_is(module.unrolled_run)):
        AH.instrument = steps.StepInstrument(module.GLOBAL_RUN_CONTEXT)
    else:
        AH.instrument = ProbeInstrument(module.GLOBAL_RUN_CONTEXT)
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
