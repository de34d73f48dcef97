"""Editing a function's own code: nothing but the added statements may differ."""

import ast
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


def test_source_that_does_not_match_gets_a_stand_in(recorder, tmp_path):
    path = tmp_path / "module.py"
    path.write_text("def f(x):\n    return x + 1\n")
    space = {}
    exec(compile(path.read_text(), str(path), "exec"), space)
    path.write_text("def f(x):\n    return x + 2\n")
    linecache.checkcache(str(path))
    code = space["f"].__code__
    splice.splice(space["f"], splice.prepend("AH.note(x)", recorder))
    assert space["f"](5) == 6  # what runs is the code, not the file
    assert recorder.calls == [(5,)]
    splice.unsplice(space["f"])
    assert space["f"].__code__ is code


SIGNATURES = """
def plain(a, b=2, *rest, c, d=4, **more): return (a, b, rest, c, d, more)
def positional(a, b, /, c=3): return (a, b, c)
def bare(*, c): return c
async def coroutine(a, *, b=2): return (a, b)
def generator(a): yield a
async def asyncgen(a): yield a
def outer(x):
    def closure(y=1): return (x, y)
    return closure
closure = outer(7)
class Base:
    def method(self): return "base"
class Derived(Base):
    def method(self): return [super().method(), __class__.__name__]
"""


def _without_source():
    space = {"__name__": "nowhere"}
    exec(compile(SIGNATURES, "<nowhere>", "exec"), space)
    return space


def test_stand_ins_look_and_behave_as_the_function(recorder):
    space = _without_source()
    for name, args, keywords in (
        ("plain", (1,), {"c": 3}),
        ("plain", (1, 2, 3, 4), {"c": 3, "e": 5}),
        ("positional", (1, 2), {}),
        ("bare", (), {"c": 9}),
        ("closure", (), {}),
    ):
        function = space[name]
        code, signature, expected = function.__code__, inspect.signature(function), function(*args, **keywords)
        splice.splice(function, splice.prepend("AH.note(1)", recorder), splice.append("AH.note(2)", recorder))
        assert inspect.signature(function) == signature
        assert function(*args, **keywords) == expected
        assert recorder.calls == [(1,), (2,)]
        assert function.__code__.co_name == code.co_name and function.__code__.co_freevars == code.co_freevars
        assert function.__code__.co_firstlineno == code.co_firstlineno
        with pytest.raises(TypeError):
            function(1, 2, 3, 4, 5, nonsense=6, **({"c": 1} if name in ("closure", "positional") else {}))
        splice.unsplice(function)
        assert function.__code__ is code
        del recorder.calls[:]
    method = space["Derived"].method
    splice.splice(method, splice.prepend("AH.note(self)", recorder))
    assert space["Derived"]().method() == ["base", "Derived"]
    coroutine = space["coroutine"]
    splice.splice(coroutine, splice.prepend("AH.note(a)", recorder))
    assert inspect.iscoroutinefunction(coroutine) and asyncio.run(coroutine(1, b=3)) == (1, 3)


def test_what_a_stand_in_cannot_do_is_refused(recorder):
    space = _without_source()
    for name, edit in (
        ("generator", splice.prepend("AH.note()", recorder)),
        ("asyncgen", splice.prepend("AH.note()", recorder)),
        ("plain", splice.after(splice.assigns("x"), "AH.note()", recorder)),
        ("plain", splice.before(lambda statement: isinstance(statement, ast.Return), "AH.note(inner)", recorder)),
        ("coroutine", splice.wrap_awaits(lambda value: "", recorder)),
    ):
        code = space[name].__code__
        with pytest.raises(splice.SpliceError):
            splice.splice(space[name], edit)
        assert space[name].__code__ is code


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
