"""`await` in the Debug Console and in watches, on the program's own loop; the loop is never re-entered.

While the program runs: the coroutine becomes a task of the loop (a system task with trio); the outcome is an event.
While it stands: the first step of a new task is run at once, as an eager task's is (on the stopped thread, when that is the loop's).
What completes in it, completes. What has to wait cannot: the loop stands. In the console it stays scheduled and its outcome arrives
once the program goes on; in a watch it is cancelled and says why.

RPCs: `await.run`, `await.cancel`; while stopped `_ah_eval.now(source, globals(), locals(), number, keep)` is evaluated in the frame.
"""

import ast
import sys
import threading
import types

from . import _ah_awaiters as awaiters
from . import _ah_core as core
from . import _ah_frames as tasks
from . import _ah_pydevd as pydevd

#: PyCF_ALLOW_TOP_LEVEL_AWAIT
_FLAGS = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
_REPR_MAX = 20000

#: number -> task (asyncio) or cancel scope (trio), while it runs.
_running = {}


class NeedsLoop(RuntimeError):
    """What was awaited can only go on with the loop, which stands while the program is paused."""


def install(options):
    core.on_start(_running.clear)


# --- the coroutine -----------------------------------------------------------------------------------------------------


def _coroutine(source, global_values, local_values):
    """
    A coroutine that evaluates `source` (an expression or statements with `await`) in the given scopes.

    Names that statements assign go to `global_values` of the console's scope while running, to the frame's locals (a copy, as with
    any evaluation of debugpy) while stopped.
    """
    scope = dict(global_values)
    scope.update(local_values)
    try:
        code = compile(source, "<await>", "eval", flags=_FLAGS)
    except SyntaxError:
        code = compile(source, "<await>", "exec", flags=_FLAGS)
    before = dict(scope)

    async def awaited():
        function = types.FunctionType(code, scope)
        result = function()
        if hasattr(result, "__await__"):
            result = await result
        for name, value in scope.items():
            if name != "__builtins__" and (name not in before or before[name] is not value):
                global_values[name] = value
        return result

    awaited.__qualname__ = "await"
    return awaited()


def _text(value):
    try:
        text = repr(value)
    except Exception as error:
        text = "<%s: repr failed with %s>" % (type(value).__name__, core._describe(error))
    return text if len(text) <= _REPR_MAX else text[:_REPR_MAX] + "..."


def _failure(error):
    import traceback

    frames = [
        entry
        for entry in traceback.extract_tb(error.__traceback__)
        if not entry.filename.rpartition("/")[2].startswith("_ah_")
    ]
    lines = traceback.format_list(frames) + traceback.format_exception_only(type(error), error)
    return "".join(lines).rstrip()


def _report(number, result=None, error=None):
    _running.pop(number, None)
    outcome = {"number": number}
    if error is not None:
        outcome["error"] = core._describe(error)
        outcome["traceback"] = _failure(error)
        outcome["cancelled"] = type(error).__name__ in ("CancelledError", "Cancelled")
    else:
        outcome["result"] = "" if result is None else _text(result)
        outcome["type"] = type(result).__name__
    core.ask_adapter("awaited", outcome)


async def _reported(number, coroutine):
    try:
        result = await coroutine
    except BaseException as error:
        _report(number, error=error)
        if not isinstance(error, Exception):
            raise
    else:
        _report(number, result)


# --- while running -----------------------------------------------------------------------------------------------------


def _main_scope():
    main = sys.modules.get("__main__")
    return main.__dict__ if main is not None else {}


@core.rpc("await.run")
def await_run(params):
    """
    :param source: with `await`.
    :param number: names it in `awaited` (the outcome) and `await.cancel`.
    :return: `{loop}`: kind of the loop it runs on. Names are those of `__main__`.
    """
    number = params["number"]
    scope = _main_scope()
    coroutine = _coroutine(params["source"], scope, {})
    loop = _choose_loop()
    if loop is not None:
        loop.call_soon_threadsafe(_start, loop, number, coroutine)
        return {"loop": "asyncio"}
    for runner, _ident, _task in awaiters.trio_runs():
        runner.entry_queue.run_sync_soon(_start_trio, runner, number, coroutine)
        return {"loop": "trio"}
    coroutine.close()
    raise RuntimeError("no event loop runs in this program now; await works while asyncio, anyio or trio runs")


def _choose_loop(ident=None):
    """The loop of the given thread, else of the main thread, else any that runs."""
    loops = awaiters.running_loops()
    main = threading.main_thread().ident
    for wanted in (ident, main):
        for loop in loops:
            if wanted is not None and getattr(loop, "_thread_id", None) == wanted:
                return loop
    return loops[0] if loops else None


def _start(loop, number, coroutine):
    try:
        task = loop.create_task(_reported(number, coroutine))
        _name(task)
        _running[number] = task
    except Exception as error:
        coroutine.close()
        _report(number, error=error)


def _name(task):
    try:
        task.set_name("Debug Console await")
    except AttributeError:
        pass


def _start_trio(runner, number, coroutine):
    import trio

    async def scoped():
        with trio.CancelScope() as scope:
            _running[number] = scope
            await _reported(number, coroutine)

    trio.lowlevel.spawn_system_task(scoped, name="Debug Console await")


@core.rpc("await.cancel")
def await_cancel(params):
    """Cancels what `await.run` or a stopped `now` has started. `{cancelled: False}` when it is over."""
    task = _running.get(params["number"])
    if task is None:
        return {"cancelled": False}
    if hasattr(task, "get_loop"):
        task.get_loop().call_soon_threadsafe(task.cancel)
    else:
        for runner, _ident, _task in awaiters.trio_runs():
            runner.entry_queue.run_sync_soon(task.cancel)
    return {"cancelled": True}


# --- while stopped -----------------------------------------------------------------------------------------------------


def now(source, global_values, local_values, number, keep):
    """
    Evaluated by debugpy in the frame, on the stopped thread.

    :param keep: what cannot complete stays scheduled (console); else it is cancelled (watch, hover).
    :return: the result. Raises what the coroutine raises, or NeedsLoop with the reason.
    """
    coroutine = _coroutine(source, {}, dict(global_values, **local_values))
    ident = threading.get_ident()
    loop = awaiters.loop_of_thread(ident)
    if loop is None:
        return _elsewhere(coroutine, number, keep)
    box = []
    task, finished = _first_step(loop, _boxed(coroutine, box))
    if finished:
        if box and box[0][0]:
            return box[0][1]
        raise box[0][1] if box else task.exception()
    waits = tasks.waits_of(coroutine)
    if not keep:
        task.cancel()
        raise NeedsLoop("it %s, and the loop stands while the program is paused; type it in the Debug Console" % waits)
    _running[number] = task
    task.add_done_callback(lambda done: _late(number, done))
    raise NeedsLoop("KEPT " + waits)


async def _boxed(coroutine, box):
    try:
        result = await coroutine
    except BaseException as error:
        box.append((False, error))
        raise
    box.append((True, result))
    return result


def _late(number, task):
    if task.cancelled():
        import asyncio

        _report(number, error=asyncio.CancelledError())
    elif task.exception() is not None:
        _report(number, error=task.exception())
    else:
        _report(number, task.result())


def _elsewhere(coroutine, number, keep):
    """The stopped thread runs no asyncio loop: the coroutine goes to the program's loop, for later."""
    loop = _choose_loop()
    if keep and loop is not None:
        loop.call_soon_threadsafe(_start, loop, number, coroutine)
        raise NeedsLoop("KEPT runs on the loop of another thread")
    runs = awaiters.trio_runs()
    if keep and runs:
        runs[0][0].entry_queue.run_sync_soon(_start_trio, runs[0][0], number, coroutine)
        raise NeedsLoop("KEPT runs on the trio loop")
    coroutine.close()
    if loop is None and not runs:
        raise NeedsLoop("no event loop runs in this program now")
    raise NeedsLoop("the loop it belongs to stands while the program is paused; type it in the Debug Console")


def _first_step(loop, coroutine):
    """
    (task, finished): a new task of the loop that has made its first step, as with eager tasks of 3.12. Before 3.12 the same by hand: the
    paused task is taken off as the current one for the step's length.
    """
    import asyncio

    if sys.version_info >= (3, 12):
        task = asyncio.Task(coroutine, loop=loop, eager_start=True, name="Debug Console await")
        return task, task.done()
    from asyncio import tasks as asyncio_tasks

    paused = asyncio_tasks.current_task(loop)
    state = []
    task = asyncio_tasks.Task(_continued(coroutine, state), loop=loop)
    _name(task)
    if paused is not None:
        asyncio_tasks._leave_task(loop, paused)
    try:
        asyncio_tasks._enter_task(loop, task)
        try:
            state.append(("wait", coroutine.send(None)))
        except StopIteration as stop:
            state.append(("return", stop.value))
        except BaseException as error:
            state.append(("raise", error))
        finally:
            asyncio_tasks._leave_task(loop, task)
    finally:
        if paused is not None:
            asyncio_tasks._enter_task(loop, paused)
    finished = state[0][0] != "wait"
    if finished:
        task._log_destroy_pending = False
    return task, finished


async def _continued(coroutine, state):
    """The task's own body once the loop goes on: the rest of a coroutine whose first step has been made."""
    kind, value = state[0]
    if kind == "return":
        return value
    if kind == "raise":
        return None  # told already
    return await _Rest(coroutine, value)


class _Rest(object):
    def __init__(self, coroutine, waiting_for):
        self.coroutine = coroutine
        self.waiting_for = waiting_for

    def __await__(self):
        coroutine, waiting_for = self.coroutine, self.waiting_for
        if waiting_for is not None:
            waiting_for._asyncio_future_blocking = True
        while True:
            try:
                sent = yield waiting_for
            except BaseException as error:
                try:
                    waiting_for = coroutine.throw(error)
                except StopIteration as stop:
                    return stop.value
            else:
                try:
                    waiting_for = coroutine.send(sent)
                except StopIteration as stop:
                    return stop.value


def is_stopped():
    return bool(pydevd.stopped_threads())
