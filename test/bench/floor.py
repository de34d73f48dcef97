"""The least that records what the probe must, for `micro.py floor` and its like: what no hook in Python can go below.

Births with creator, name and five frames of stack, ends with outcome; scopes with host, place and who leaves; turns counted. Rows of
six numbers, packed 300 at a time in the thread that made them. Locks: who holds, who waits since when, how often and how long at most,
without rows, as the probe does it. `floor-light`: the same without the stacks. `floor-full`: stacks of up to forty frames, and a row
for each step: who ran, how long, and how long it stood in the ready queue. Left out is all that makes a probe of it: foreign tasks and loops,
eager tasks, names, losses, levels of detail, deadlines, order of exits, what blocks a loop, wrong threads, failure of a hook.
"""

import contextvars
import struct
import sys
import time
from weakref import ref

buf = []
extend = buf.extend
now = time.perf_counter_ns
_getframe = sys._getframe
_SLICE = 1800
_pack = struct.Struct("<%dq" % _SLICE).pack


def _packed():
    _pack(*buf[:_SLICE])
    del buf[:_SLICE]


def _steps(run, call_soon, inject):
    """Of each callback that a loop runs one row."""
    ready = {}

    def begins(handle):
        return now(), ready.pop(id(handle), 0), id(getattr(handle._callback, "__self__", None))

    def ran(step):
        began, since, task = step
        extend((12, began, task, now() - began, began - since, 0))
        if len(buf) >= _SLICE:
            _packed()

    if not inject(
        run, "floor", prologue="_ah_step = AH.begins(self)", epilogue="AH.ran(_ah_step)", begins=begins, ran=ran
    ):
        raise SystemExit("no source of Handle._run")

    def queue(handle):
        ready[id(handle)] = now()
        return handle

    if not inject(call_soon, "floor", returns="AH.queue(VALUE)", queue=queue):
        raise SystemExit("no source of _call_soon")


def activate(mode="floor"):
    import asyncio
    from asyncio import base_events, events, tasks

    import anyio._backends._asyncio as backend
    import trio
    from async_health import _ah_intern as intern
    from async_health._ah_inject import inject

    if mode == "floor-full":
        _steps(events.Handle._run, base_events.BaseEventLoop._call_soon, inject)
    intern.set_stack_boundary(events.Handle._run.__code__)
    walk, scope_walk, strings = intern.standard_stack, intern.scope_stack, intern._strings
    if mode == "floor-full":
        walk, set_boundary = intern.walk_to(40)
        set_boundary(events.Handle._run.__code__)
        scope_walk = walk
    current_of = tasks._current_tasks.get
    context = contextvars.Context()
    registry = getattr(tasks, "_scheduled_tasks", None)
    if registry is None:
        registry = tasks._all_tasks
    add_ref, gone = registry.data.add, registry._remove

    def done(task):
        extend((2, now(), id(task), 0, 0 if task._exception is None and task._state != "CANCELLED" else 1, 0))
        if len(buf) >= _SLICE:
            _packed()

    def add(task):
        add_ref(ref(task, gone))
        creator = current_of(task._loop)
        name = task._coro.__qualname__
        stack = walk(_getframe(3))
        extend((1, now(), id(task), id(creator), strings.get(name) or intern.string_id(name), stack))
        task.add_done_callback(done, context=context)

    def add_light(task):
        add_ref(ref(task, gone))
        creator = current_of(task._loop)
        name = task._coro.__qualname__
        extend((1, now(), id(task), id(creator), strings.get(name) or intern.string_id(name), 0))
        task.add_done_callback(done, context=context)

    registry.add = add_light if mode == "floor-light" else add
    short = "if callback is AH.done:\n return AH.done(args[0])"
    if not inject(base_events.BaseEventLoop.call_soon, "floor", prologue=short, done=done):
        raise SystemExit("no source of call_soon")

    def enter(scope, host):
        extend((20, now(), id(scope), id(host), 1, scope_walk(_getframe(2))))

    def enter_light(scope, host):
        extend((20, now(), id(scope), id(host), 1, 0))

    def leave(scope, task):
        extend((21, now(), id(scope), id(task), 0, 0))
        if len(buf) >= _SLICE:
            _packed()

    running = asyncio.current_task if sys.version_info >= (3, 12) else tasks.current_task

    def scopes(into, out, host, leaver, **values):
        values = dict({"enter": enter_light if mode == "floor-light" else enter, "leave": leave}, **values)
        if not inject(into, "floor", epilogue="AH.enter(self, %s)" % host, **values):
            raise SystemExit("no source of %r" % into)
        inject(out, "floor", prologue="AH.leave(self, %s)" % leaver, **values)

    scopes(
        backend.CancelScope.__enter__,
        backend.CancelScope.__exit__,
        "self._host_task",
        "AH.running()",
        running=running,
    )
    timeout = getattr(sys.modules.get("asyncio.timeouts"), "Timeout", None)
    if timeout is not None:
        scopes(timeout.__aenter__, timeout.__aexit__, "self._task", "AH.running()", running=running)
    # Stacks end at trio's run loop; its context knows the task that runs.
    trio_walk, set_run_loop = intern.walk_to(intern.SCOPE_DEPTH)
    set_run_loop(sys.modules["trio._core._run"].unrolled_run.__code__)

    def trio_enter(scope, host):
        extend((20, now(), id(scope), id(host), 5, trio_walk(_getframe(2))))

    scopes(
        trio.CancelScope.__enter__,
        trio.CancelScope._close,
        "task",
        "AH.context.task",
        enter=trio_enter,
        context=sys.modules["trio._core._run"].GLOBAL_RUN_CONTEXT,
    )

    class Turns:
        count = 0
        since = 0.0

    turn = Turns()
    inject(
        base_events.BaseEventLoop._run_once,
        "floor",
        prologue="AH.turn.since = 0.0 if not self._ready else self._clock_resolution\nAH.turn.count += 1",
        turn=turn,
    )
    locks(asyncio.Lock.acquire, tasks, base_events.BaseEventLoop.run_forever)


class Hooks:
    pass


def locks(acquire, tasks, run):
    """asyncio.Lock: the holder of each, told by nobody; a wait is an entry while it lasts, then a number more."""
    import ast

    from async_health import _ah_edits as edits
    from async_health import _ah_splice as splice
    from async_health._ah_inject import inject

    holders, waiters, facts = {}, {}, [0, 0]
    AH = Hooks()
    AH.holders = holders
    if sys.version_info >= (3, 12):
        running = AH.running = tasks.current_task
        task_of = "id(AH.running())"
    else:  # there `current_task` asks for the process id each time
        AH.current, AH.loop = tasks._current_tasks, None
        inject(run, "floor", prologue="AH.locks.loop = self", locks=AH)
        task_of = "id(AH.current[AH.loop])"

        def running():
            return AH.current[AH.loop]

    def wait(lock):
        task = id(running())
        entry = waiters[task] = (id(lock), now(), task)
        return entry

    def woke(lock, ok, entry):
        key, since, task = entry
        del waiters[task]
        if ok:
            holders[key] = task
        facts[0] += 1
        since = now() - since
        if since > facts[1]:
            facts[1] = since

    AH.wait, AH.woke = wait, woke
    awaits = edits.wrap_awaits(lambda value: "" if isinstance(value, ast.Name) else None, AH, token=True)
    holds = edits.before(edits.returns_true, "AH.holders[id(self)] = " + task_of, AH, once=True)
    splice.splice(acquire, awaits, holds)
