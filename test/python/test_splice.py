"""Editing a function's own code: nothing but the added statements may differ."""

import asyncio
import inspect
import linecache
import traceback

import pytest
from async_health import _ah_splice as splice


class Recorder:
    def __init__(self):
        self.calls = []

    def note(self, *args):
        self.calls.append(args)
        return len(self.calls)

    begin = wait = woke = fail = done = note


class Subject:
    def plain(self, number, *, factor=2):
        """Doc."""
        result = number * factor
        return result

    async def waiting(self, future):
        await future
        return True

    def failing(self):
        first = 1
        raise ValueError(first)

    def caller(self):
        return super().__repr__()


@pytest.fixture
def recorder():
    return Recorder()


@pytest.fixture(autouse=True)
def restore():
    yield
    for function in (Subject.plain, Subject.waiting, Subject.failing, Subject.caller):
        splice.unsplice(function)


def test_prepended_statement_runs_and_the_function_is_the_same(recorder):
    function, code, signature = Subject.plain, Subject.plain.__code__, inspect.signature(Subject.plain)
    source = inspect.getsource(Subject.plain)
    splice.splice(Subject.plain, splice.prepend("AH.note(number)", recorder))
    assert Subject().plain(4, factor=3) == 12
    assert recorder.calls == [(4,)]
    assert Subject.plain is function
    assert inspect.signature(Subject.plain) == signature
    assert inspect.getsource(Subject.plain) == source
    assert Subject.plain.__doc__ == "Doc."
    assert Subject.plain.__code__.co_firstlineno == code.co_firstlineno
    assert "AH" not in Subject.plain.__globals__
    hash(Subject.plain.__code__)


def test_unsplice_gives_the_very_code_back(recorder):
    code = Subject.plain.__code__
    splice.splice(Subject.plain, splice.prepend("AH.note(number)", recorder))
    assert Subject.plain.__code__ is not code
    splice.unsplice(Subject.plain)
    assert Subject.plain.__code__ is code


def test_two_edits_and_taking_out_one(recorder):
    first, second = splice.prepend("AH.note('first')", recorder), splice.prepend("AH.note('second')", recorder)
    splice.splice(Subject.plain, first)
    splice.splice(Subject.plain, second)
    Subject().plain(1)
    assert sorted(recorder.calls) == [("first",), ("second",)]
    recorder.calls.clear()
    splice.unsplice(Subject.plain, first)
    Subject().plain(1)
    assert recorder.calls == [("second",)]


def test_tracebacks_stay_the_same(recorder):
    def shown():
        try:
            Subject().failing()
        except ValueError as error:
            return traceback.format_exc(), [frame.lineno for frame in traceback.extract_tb(error.__traceback__)]

    text, lines = shown()
    splice.splice(Subject.failing, splice.around(recorder))
    spliced_text, spliced_lines = shown()
    assert spliced_text == text
    assert spliced_lines == lines
    assert len(recorder.calls) == 3  # begin, fail, done


def test_waits_are_seen_with_their_outcome(recorder):
    import ast

    pick = lambda value: ", 7" if isinstance(value, ast.Name) else None  # noqa: E731
    splice.splice(Subject.waiting, splice.wrap_awaits(pick, recorder))
    assert inspect.iscoroutinefunction(Subject.waiting)

    async def main():
        subject, loop = Subject(), asyncio.get_running_loop()
        future = loop.create_future()
        loop.call_soon(future.set_result, None)
        assert await subject.waiting(future) is True
        future = loop.create_future()
        task = asyncio.ensure_future(subject.waiting(future))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return subject

    asyncio.run(main())
    assert [call[1:] for call in recorder.calls] == [(7,), (True, 7), (7,), (False, 7)]


def test_super_and_closures_survive(recorder):
    splice.splice(Subject.caller, splice.prepend("AH.note(self)", recorder))
    assert "Subject" in Subject().caller()
    captured = 5

    def closure():
        return captured

    splice.splice(closure, splice.prepend("AH.note()", recorder))
    assert closure() == 5


def test_source_that_does_not_match_is_refused(recorder, tmp_path):
    path = tmp_path / "module.py"
    path.write_text("def f(x):\n    return x + 1\n")
    space = {}
    exec(compile(path.read_text(), str(path), "exec"), space)
    path.write_text("def f(x):\n    return x + 2\n")
    linecache.checkcache(str(path))
    code = space["f"].__code__
    with pytest.raises(splice.SpliceError):
        splice.splice(space["f"], splice.prepend("AH.note()", recorder))
    assert space["f"].__code__ is code


def test_no_source_is_refused(recorder):
    space = {}
    exec(compile("def f(): return 1", "<nowhere>", "exec"), space)
    with pytest.raises(splice.SpliceError):
        splice.splice(space["f"], splice.prepend("AH.note()", recorder))
    assert space["f"]() == 1


def test_what_pytest_compiled_with_its_own_assertions():
    backend = pytest.importorskip("anyio._backends._asyncio")
    function = backend.CancelScope.__exit__
    recorder = Recorder()
    code = function.__code__
    if type(function.__globals__["__loader__"]).__name__ != "AssertionRewritingHook":
        pytest.skip("anyio was imported before pytest could compile it")
    splice.splice(function, splice.prepend("AH.note(self)", recorder))
    assert function.__code__ is not code
    splice.unsplice(function)
    assert function.__code__ is code
