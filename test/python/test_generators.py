"""Async generators: begun, finished, abandoned, and yielding inside a scope."""

import sys

import pytest


def test_finished_and_abandoned(probe_program):
    recording = probe_program(
        """
        import asyncio, gc

        async def numbers():
            try:
                for number in range(5):
                    yield number
            finally:
                await asyncio.sleep(0)

        async def main():
            async for _ in numbers():
                pass
            await asyncio.sleep(0.05)
            async for number in numbers():
                if number == 2:
                    break
            gc.collect()
            await asyncio.sleep(0.05)
            global kept
            kept = numbers()
            await kept.__anext__()
            await asyncio.sleep(0.05)

        asyncio.run(main())
        """
    )
    assert not recording.notes_of("hook-missing") and not recording.notes_of("hook-removed")
    rows = [
        (row.name, row.aux if row.name == "GEN_FINAL" else 0)
        for row in recording.named("GEN_NEW", "GEN_END", "GEN_FINAL")
    ]
    assert rows == [
        ("GEN_NEW", 0),
        ("GEN_END", 0),
        ("GEN_NEW", 0),
        ("GEN_FINAL", 1),
        ("GEN_NEW", 0),
        ("GEN_FINAL", 2),
    ]
    new = recording.named("GEN_NEW")[0]
    assert new.text.endswith("numbers") and new.stack[0][1].endswith("main")
    assert new.task == recording.task_running("main").obj
    assert recording.named("GEN_FINAL")[0].stack[0][1].endswith("numbers")


SCOPED = """
    import contextlib
    import {library}

    async def numbers():
        with {scope}:
            for number in range(3):
                yield number

    @contextlib.asynccontextmanager
    async def managed():
        with {scope}:
            yield

    async def main():
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(managed())
            async with managed():
                await {library}.sleep(0.1)
        async for number in numbers():
            await {library}.sleep(0.1)

    {library}.run(main)
"""


@pytest.mark.parametrize(
    "library, scope",
    [("trio", "trio.CancelScope()"), ("anyio", "anyio.CancelScope()"), ("anyio", "anyio.fail_after(5)")],
)
def test_yield_in_scope_and_not_in_context_managers(probe_program, library, scope):
    pytest.importorskip(library)
    recording = probe_program(SCOPED.format(library=library, scope=scope))
    (row,) = recording.named("GEN_YIELD_IN_SCOPE")
    assert row.stack[0][1].endswith("numbers")
    (new,) = recording.named("GEN_NEW", obj=row.obj)
    assert new.text.endswith("numbers")
    (scope_row,) = recording.named("SCOPE_ENTER", obj=row.aux)[-1:]
    assert scope_row.task == new.task


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio.timeout came with 3.11")
def test_yield_in_asyncio_timeout(probe_program):
    recording = probe_program(
        """
        import asyncio

        async def numbers():
            async with asyncio.timeout(5):
                for number in range(2):
                    yield number

        async def main():
            async for number in numbers():
                await asyncio.sleep(0.1)

        asyncio.run(main())
        """
    )
    assert len(recording.named("GEN_YIELD_IN_SCOPE")) == 1


def test_trio_generator_abandoned_with_a_scope(probe_program):
    pytest.importorskip("trio")
    recording = probe_program(
        """
        import gc, trio

        async def numbers():
            with trio.CancelScope():
                for number in range(3):
                    yield number

        async def main():
            async for number in numbers():
                await trio.sleep(0.05)
                if number:
                    break
            gc.collect()
            await trio.sleep(0.1)

        try:
            trio.run(main)
        except BaseException as error:
            print(type(error).__name__)
        """
    )
    (final,) = recording.named("GEN_FINAL")
    assert final.aux == 1
    (left,) = [row for row in recording.named("SCOPE_EXIT") if row.aux & 8]
    assert left.aux & 1
    assert left.obj == recording.named("GEN_YIELD_IN_SCOPE")[0].aux


def test_generators_are_not_kept_alive_and_hooks_stay(probe_program, plain_program):
    source = """
        import asyncio, sys, weakref, gc

        async def numbers():
            yield 1
            yield 2

        async def main():
            hooks = sys.get_asyncgen_hooks()
            print(hooks.firstiter.__qualname__, hooks.finalizer.__qualname__)
            generator = numbers()
            await generator.__anext__()
            ref = weakref.ref(generator)
            await generator.aclose()
            del generator
            gc.collect()
            print(ref() is None)

        asyncio.run(main())
    """
    assert probe_program(source).stdout == plain_program(source)[0]
