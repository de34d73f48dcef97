"""Running a coroutine apart from its caller: own task and context, or own event loop; asyncio (anyio) and trio."""

import contextvars
import inspect
import sys
import threading

from . import _ah_core as core


class _Asyncio:
    """asyncio, imported at first use: this module is loaded at the probe's start, where 40 ms would be the program's."""

    def __getattr__(self, name):
        global asyncio
        import asyncio

        return getattr(asyncio, name)


asyncio = _Asyncio()


class OperationCancelled(RuntimeError):
    """A trio operation was cancelled by `close_all_sessions` (asyncio's raise CancelledError)."""


#: Ids of the operations that the running code belongs to, innermost last.
_operations = contextvars.ContextVar("async_health_operations", default=())


def in_operation(operation_id):
    """Does the code that asks run inside the operation? The adapter guards the operation's breakpoints with it."""
    return operation_id in _operations.get()


def check(coro, isolation):
    """Raises TypeError or ValueError for what cannot be run."""
    if isolation not in ("task", "loop"):
        raise ValueError("isolation must be 'task' or 'loop', not %r" % (isolation,))
    if not (inspect.isawaitable(coro) or callable(coro)):
        raise TypeError("give a coroutine, an awaitable or a function that returns one, not %r" % (coro,))
    if isolation == "loop" and isinstance(coro, asyncio.Future):
        raise ValueError("a task or future belongs to its own loop; give a coroutine for isolation='loop'")


def awaitable_of(coro, isolation="task"):
    """What to await when no debugger is there."""
    try:
        check(coro, isolation)
    except BaseException:
        discard(coro)
        raise
    return coro if inspect.isawaitable(coro) else coro()


def discard(coro):
    """A coroutine that will not be run any more: no 'never awaited'. One that has run is left alone."""
    if inspect.iscoroutine(coro) and inspect.getcoroutinestate(coro) == inspect.CORO_CREATED:
        coro.close()


def is_cancellation(error):
    """Is it asyncio's or trio's cancellation?"""
    if isinstance(error, (asyncio.CancelledError, OperationCancelled)):
        return True
    return _trio_cancelled(error) is not None


def _trio_cancelled(error):
    """trio's Cancelled itself, or one out of a group of nothing else; None for other errors."""
    trio = _trio()
    if trio is None:
        return None
    if isinstance(error, trio.Cancelled):
        return error
    inner = getattr(error, "exceptions", None)
    if not isinstance(inner, tuple) or not inner:
        return None
    found = [_trio_cancelled(one) for one in inner]
    return found[0] if all(one is not None for one in found) else None


def _trio():
    return sys.modules.get("trio")


def under_trio():
    """Does the caller run in trio?"""
    run = sys.modules.get("trio._core._run")
    return run is not None and getattr(run.GLOBAL_RUN_CONTEXT, "task", None) is not None


async def ask(method, params, timeout):
    """Ask the adapter; (answered, result, error). Never longer than `timeout` seconds."""
    if under_trio():
        return await _ask_trio(method, params, timeout)
    loop = asyncio.get_running_loop()
    future = loop.create_future()

    def settle(result, error):
        if not future.done():
            future.set_result((True, result, error))

    def on_reply(result, error):
        try:
            loop.call_soon_threadsafe(settle, result, error)
        except RuntimeError:  # the loop was closed meanwhile
            pass

    if not core.ask_adapter(method, params, on_reply):
        return (False, None, "no debugger is attached")
    await asyncio.wait([future], timeout=timeout)
    return future.result() if future.done() else (False, None, None)


async def _ask_trio(method, params, timeout):
    trio = _trio()
    token = trio.lowlevel.current_trio_token()
    event = trio.Event()
    answer = []

    def settle(result, error):
        answer.append((True, result, error))
        event.set()

    def on_reply(result, error):
        try:
            token.run_sync_soon(settle, result, error)
        except trio.RunFinishedError:
            pass

    if not core.ask_adapter(method, params, on_reply):
        return (False, None, "no debugger is attached")
    with trio.move_on_after(timeout):
        await event.wait()
    return answer[0] if answer else (False, None, None)


def _context_for(operation):
    context = contextvars.copy_context()
    context.run(_operations.set, _operations.get() + (operation.id,))
    return context


async def _drive(coro):
    return await (coro if inspect.isawaitable(coro) else coro())


async def run(operation, coro):
    """The result of `coro`, run as the operation's isolation says; its exception unchanged."""
    context = _context_for(operation)
    if not under_trio():
        return await (_run_loop if operation.isolation == "loop" else _run_task)(operation, coro, context)
    try:
        return await (_run_trio_thread if operation.isolation == "loop" else _run_trio_task)(operation, coro, context)
    except BaseException as error:
        cancelled = _trio_cancelled(error)
        if cancelled is None or cancelled is error:
            raise
        # Our own nursery wrapped the caller's cancellation into a group.
        raise cancelled from None


async def _run_task(operation, coro, context):
    loop = asyncio.get_running_loop()
    started = coro if inspect.iscoroutine(coro) else _drive(coro)
    if sys.version_info >= (3, 11):
        task = loop.create_task(started, context=context)
    else:
        task = context.run(loop.create_task, started)
    if hasattr(task, "set_name"):
        task.set_name(operation.name)
    operation.task = id(task)
    operation.cancel = lambda: loop.call_soon_threadsafe(task.cancel)
    try:
        # Awaiting the task itself passes a cancellation of the caller on, and waits for the task to end.
        return await task
    finally:
        operation.cancel = None
        task = None  # the exception's traceback would close a circle through this frame


async def _run_loop(operation, coro, context):
    outer = asyncio.get_running_loop()
    done = outer.create_future()
    inner = {}

    async def main():
        inner["loop"] = asyncio.get_running_loop()
        inner["task"] = asyncio.current_task()
        if inner.get("cancelled"):
            inner["task"].cancel()
        return await _drive(coro)

    def finish(value, error):
        if not done.done():
            done.set_result((value, error))

    def thread():
        value = error = None
        try:
            value = context.run(asyncio.run, main())
        except BaseException as raised:
            error = raised
        try:
            outer.call_soon_threadsafe(finish, value, error)
        except RuntimeError:  # the caller's loop was closed: nobody is left to tell
            pass

    def cancel():
        inner["cancelled"] = True
        if "task" in inner and not inner["loop"].is_closed():
            try:
                inner["loop"].call_soon_threadsafe(inner["task"].cancel)
            except RuntimeError:
                pass

    operation.cancel = cancel
    threading.Thread(target=thread, name="async-health-%s" % operation.name, daemon=True).start()
    try:
        while True:
            try:
                value, error = await asyncio.shield(done)
                break
            except asyncio.CancelledError:
                if done.cancelled():
                    raise
                cancel()  # and wait for the operation to end, as awaiting a task would
    finally:
        operation.cancel = None
        inner.clear()
    if error is not None:
        try:
            raise error
        finally:
            del error
    return value


async def _run_trio_task(operation, coro, context):
    trio = _trio()
    outcome = []

    async def child():
        try:
            outcome.append((await _drive(coro), None))
        except trio.Cancelled:
            raise
        except BaseException as error:
            outcome.append((None, error))

    async with trio.open_nursery() as nursery:
        token = trio.lowlevel.current_trio_token()
        operation.cancel = lambda: token.run_sync_soon(nursery.cancel_scope.cancel)
        context.run(nursery.start_soon, child)
    operation.cancel = None
    return _give(outcome)


async def _run_trio_thread(operation, coro, context):
    trio = _trio()
    outcome = []
    inner = {}

    async def main():
        inner["token"] = trio.lowlevel.current_trio_token()
        with trio.CancelScope() as scope:
            inner["scope"] = scope
            if inner.get("cancelled"):
                scope.cancel()
            try:
                outcome.append((await _drive(coro), None))
            except trio.Cancelled:
                raise
            except BaseException as error:
                outcome.append((None, error))

    def cancel():
        inner["cancelled"] = True
        if "token" in inner:
            try:
                inner["token"].run_sync_soon(inner["scope"].cancel)
            except trio.RunFinishedError:
                pass

    operation.cancel = cancel
    async with trio.open_nursery() as nursery:

        async def pass_on_cancellation():
            try:
                await trio.sleep_forever()
            finally:
                if not outcome:
                    cancel()

        nursery.start_soon(pass_on_cancellation)
        await trio.to_thread.run_sync(context.run, trio.run, main)
        nursery.cancel_scope.cancel()
    operation.cancel = None
    return _give(outcome)


def _give(outcome):
    if not outcome:  # cancelled from outside of the program
        raise OperationCancelled("the operation was cancelled")
    value, error = outcome.pop()
    if error is not None:
        try:
            raise error
        finally:
            del error
    return value
