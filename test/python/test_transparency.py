"""The program under the probe is the program: the same output, exceptions, reprs, signatures, contexts, warnings, exit."""

import builtins
import importlib
import re
import sys
import types

import pytest


def same(probe_program, plain_program, source, **options):
    """Both runs print the same, apart from addresses."""
    recording = probe_program(source, check=False, **options)
    out, err, code = plain_program(source)

    def clean(text):
        text = re.sub(r"0x[0-9a-f]+", "0x", text)
        # Frames of how the test starts the program.
        text = re.sub(r'  File "[^"]*(start_probe|<frozen runpy>|runpy)[^\n]*\n(    [^\n]*\n)*', "", text)
        return text.replace("<module>", "<module>")

    assert clean(recording.stdout) == clean(out)
    assert clean(recording.stderr) == clean(err)
    assert recording.returncode == code
    assert recording.notes_of("hook-removed") == []
    return recording


@pytest.mark.parametrize("detail", ["light", "standard", "full"])
def test_reprs_signatures_and_names(probe_program, plain_program, detail):
    same(
        probe_program,
        plain_program,
        """
        import asyncio, inspect
        async def child():
            await asyncio.sleep(0.01)
        def callback(task):
            pass
        async def main():
            task = asyncio.create_task(child())
            print(repr(task))
            task.add_done_callback(callback)
            print(repr(task))
            await asyncio.sleep(0)
            print(repr(task))
            print(task.remove_done_callback(callback), repr(task))
            await task
            print(repr(task), task.get_name())
            print(inspect.signature(asyncio.Task.cancel), asyncio.Task.cancel.__name__, asyncio.Task.cancel.__doc__)
            print(inspect.signature(asyncio.BaseEventLoop.call_soon), inspect.signature(asyncio.BaseEventLoop.create_task))
            for function in (asyncio.Lock.acquire, asyncio.Event.wait, asyncio.wait_for):
                print(inspect.iscoroutinefunction(function), inspect.signature(function))
            print(sorted(name for name in vars(asyncio.get_running_loop()) if "_ah" in name or "health" in name))
            print([name for name in dir(asyncio.base_events) + dir(asyncio.tasks) if "_ah" in name.lower() and "health" in name])
        asyncio.run(main())
        """,
        detail=detail,
    )


def test_tracebacks(probe_program, plain_program):
    same(
        probe_program,
        plain_program,
        """
        import asyncio, traceback
        async def bad():
            await asyncio.sleep(0)
            raise ValueError("x")
        async def main():
            for make in (lambda: asyncio.create_task(bad()), lambda: asyncio.wait_for(bad(), 1), lambda: asyncio.gather(bad())):
                try:
                    await make()
                except ValueError as error:
                    entries = traceback.extract_tb(error.__traceback__)
                    print([(entry.name, entry.lineno) for entry in entries])
            if hasattr(asyncio, "TaskGroup"):
                try:
                    async with asyncio.TaskGroup() as group:
                        group.create_task(bad())
                except BaseException as error:
                    print([(entry.name, entry.lineno) for entry in traceback.extract_tb(error.__traceback__)], error)
                try:
                    async with asyncio.timeout(0.01):
                        await asyncio.sleep(1)
                except TimeoutError as error:
                    print([(entry.name, entry.lineno) for entry in traceback.extract_tb(error.__traceback__)], repr(error))
            task = asyncio.create_task(asyncio.sleep(1))
            await asyncio.sleep(0)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError as error:
                print([(entry.name, entry.lineno) for entry in traceback.extract_tb(error.__traceback__)], error.args)
        asyncio.run(main())
        """,
    )


def test_unretrieved_and_uncaught(probe_program, plain_program):
    same(
        probe_program,
        plain_program,
        """
        import asyncio, gc, logging
        logging.basicConfig(format="%(message)s")
        async def bad():
            raise ValueError("nobody looks")
        async def never():
            pass
        async def main():
            task = asyncio.ensure_future(bad())
            await asyncio.sleep(0.01)
            del task
            gc.collect()
            raise KeyError("uncaught")
        try:
            asyncio.run(main())
        except KeyError as error:
            print(repr(error))
        """,
    )


def test_contexts_and_order(probe_program, plain_program):
    same(
        probe_program,
        plain_program,
        """
        import asyncio, contextvars
        variable = contextvars.ContextVar("v", default=0)
        order = []
        async def child(number):
            variable.set(number)
            order.append(("start", number, variable.get()))
            await asyncio.sleep(0)
            order.append(("end", number, variable.get()))
        async def main():
            variable.set(100)
            tasks = [asyncio.create_task(child(number)) for number in range(3)]
            for number, task in enumerate(tasks):
                task.add_done_callback(lambda task, number=number: order.append(("done", number, variable.get())))
            loop = asyncio.get_running_loop()
            loop.call_soon(lambda: order.append(("soon", variable.get())))
            await asyncio.sleep(0)
            order.append(("turn",))
            await asyncio.sleep(0)
            order.append(("turn",))
            await asyncio.sleep(0)
            order.append(("turn",))
            await asyncio.gather(*tasks)
            print(order, len(contextvars.copy_context()))
        asyncio.run(main())
        """,
    )


def test_exit_is_silent(probe_program, plain_program):
    same(
        probe_program,
        plain_program,
        """
        import asyncio, threading, time, sys
        async def forever():
            while True:
                await asyncio.sleep(0.01)
        def run():
            asyncio.run(forever())
        threading.Thread(target=run, daemon=True).start()
        time.sleep(0.1)
        loop = asyncio.new_event_loop()
        task = loop.create_task(asyncio.sleep(0))
        loop.run_until_complete(task)
        loop.close()
        sys.exit(3)
        """,
    )


def test_exit_is_silent_when_things_outlive_the_modules(probe_program, plain_program):
    same(
        probe_program,
        plain_program,
        """
        import asyncio, sys
        async def numbers():
            yield 1
        async def waits(lock):
            async with lock:
                pass
        async def main():
            lock, queue, semaphore, numbered = asyncio.Lock(), asyncio.Queue(1), asyncio.Semaphore(1), numbers()
            await lock.acquire()
            tasks = [asyncio.ensure_future(waits(lock)), asyncio.ensure_future(queue.get())]
            async for number in numbered:
                break
            await asyncio.sleep(0.1)
            lock.release()
            queue.put_nowait(1)
            await asyncio.gather(*tasks)
            # `sys` is emptied after all other modules, the probe's among them.
            sys.kept = [lock, queue, semaphore, numbered, tasks]
            # Modules that are still referred to are emptied, their names set to None. A list lets go of its last entry first.
            ours = [module for name, module in list(sys.modules.items()) if name.startswith("async_health")]
            sys.kept[:0] = ours + [dict(vars(module)) for module in ours]
        asyncio.run(main())
        """,
    )


def test_keyboard_interrupt(probe_program, plain_program):
    same(
        probe_program,
        plain_program,
        """
        import asyncio, os, signal
        async def main():
            asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGINT)
            await asyncio.sleep(5)
        try:
            asyncio.run(main())
        except KeyboardInterrupt as error:
            print("interrupted", type(error))
        """,
    )


@pytest.mark.skipif(sys.platform == "win32", reason="fork")
def test_multiprocessing_fork(probe_program, plain_program):
    same(
        probe_program,
        plain_program,
        """
        import asyncio, multiprocessing, warnings
        warnings.simplefilter("ignore")
        async def work(number):
            await asyncio.sleep(0.01)
            return number * 2
        def child(number):
            return asyncio.run(work(number))
        if __name__ == "__main__":
            with multiprocessing.get_context("fork").Pool(2) as pool:
                print(pool.map(child, range(6)))
        """,
    )


WHEN_SOMETHING_DIES = [
    ("_ah_generators", "_gone"),
    ("_ah_locks", "_gone"),
    ("_ah_scopes", "_lost"),
    ("_ah_sessions", "_lost"),
    ("_ah_sessions", "_unmade"),
    ("_ah_trio_scopes", "_lost"),
]


@pytest.mark.parametrize("module, name", WHEN_SOMETHING_DIES)
def test_what_weak_references_call_is_silent_once_its_module_is_emptied(module, name):
    """So does the interpreter at its end, when not everything that the program had is gone: an error would be printed."""
    callback = getattr(importlib.import_module("async_health." + module), name)
    emptied = dict.fromkeys(callback.__globals__)
    emptied["__builtins__"] = builtins
    types.FunctionType(callback.__code__, emptied)(types.SimpleNamespace(key=1))
