"""Edited code that is kept between processes: what comes back is what compiling would have given, or nothing."""

import asyncio
import marshal
import os
import subprocess
import sys
import types

import pytest
from async_health import _ah_edited as edited
from async_health import _ah_loader, _ah_parse
from async_health import _ah_splice as splice
from async_health._ah_locks_asyncio import _op


class Recorder:
    def __init__(self):
        self.calls = []

    def note(self, *args):
        self.calls.append(args)

    wait = woke = note


class Subject:
    def plain(self, number, *, factor=2):
        """Doc."""
        result = number * factor
        return result

    async def waiting(self, future):
        await future
        return [one for one in (1, 2)]


@pytest.fixture
def store(tmp_path, monkeypatch):
    cache = _ah_loader.CodeCache("", False)
    cache.path = str(tmp_path / "probe.bin")
    monkeypatch.setattr(edited, "store", cache)
    yield cache
    splice.unsplice(Subject.plain)
    splice.unsplice(Subject.waiting)


@pytest.fixture
def no_parser(monkeypatch):
    """From when it is called on, whoever parses fails."""

    def parse(text):
        raise AssertionError("parsed")

    def forbid():
        for module in (splice, splice.whole, _ah_parse):
            monkeypatch.setattr(module, "parse", parse)

    return forbid


def fields(code, hooks):
    """All that a code object is, with the hooks' place marked."""
    found = {name: getattr(code, name) for name in edited._COMPARED}
    found["consts"] = [
        fields(one, hooks) if isinstance(one, types.CodeType) else "HOOKS" if one is hooks else (type(one), one)
        for one in code.co_consts
    ]
    return found


def edit_both(hooks):
    splice.splice(Subject.plain, splice.prepend("AH.note(number)", hooks), splice.append("AH.note()", hooks))
    splice.splice(Subject.waiting, splice.wrap_awaits(_op(7), hooks))
    return fields(Subject.plain.__code__, hooks), fields(Subject.waiting.__code__, hooks)


def undo():
    splice.unsplice(Subject.plain)
    splice.unsplice(Subject.waiting)


def test_what_comes_back_is_what_was_compiled(store, no_parser):
    first = edit_both(Recorder())
    assert len(store.edited) == 2
    undo()
    no_parser()
    again = Recorder()
    assert edit_both(again) == first
    assert Subject().plain(4, factor=3) == 12
    assert again.calls == [(4,)]

    async def main():
        future = asyncio.get_running_loop().create_future()
        future.set_result(None)
        assert await Subject().waiting(future) == [1, 2]

    asyncio.run(main())
    assert [call[1:] for call in again.calls[1:]] == [(7,), (True, 7)]


def test_each_object_comes_back_in_its_own_place(store, no_parser):
    one, other = Recorder(), Recorder()

    def edit(one, other):
        splice.splice(Subject.plain, splice.prepend("AH.note(1)", one), splice.prepend("AH.note(2)", other))

    edit(one, other)
    undo()
    no_parser()
    edit(other, one)
    Subject().plain(1)
    assert (other.calls, one.calls) == ([(1,)], [(2,)])


@pytest.mark.parametrize(
    "change",
    [
        lambda code: code.replace(co_firstlineno=code.co_firstlineno + 1),
        lambda code: code.replace(co_filename=code.co_filename + "x"),
        lambda code: code.replace(co_consts=tuple(3 if one == 2 else one for one in code.co_consts) + (None,)),
        lambda code: code.replace(co_names=code.co_names + ("more",)),
        lambda code: code.replace(co_flags=code.co_flags | 0x100000),
    ],
)
def test_another_code_of_the_same_name_is_not_answered(store, change):
    edit = splice.prepend("AH.note(number)", Recorder())
    splice.splice(Subject.plain, edit)
    original = splice.original_code(Subject.plain)
    assert edited.Request(original, [edit]).recall() is not None
    other = edited.Request(change(original), [edit])
    # Even when the key should be the same.
    other.key = edited.Request(original, [edit]).key
    assert other.recall() is None


@pytest.mark.parametrize("one, other", [(1, True), (0.0, -0.0), (1, 1.0), ("1", b"1"), ((1,), (True,))])
def test_constants_that_only_look_equal_are_told_apart(one, other):
    code = (lambda: 12345).__code__
    mine, its = (
        code.replace(co_consts=tuple(value if const == 12345 else const for const in code.co_consts))
        for value in (one, other)
    )
    assert edited.identical(mine, mine.replace())
    assert not edited.identical(mine, its)


def test_a_set_among_the_constants_is_equal_in_any_order():
    code = compile("x in {'a', 'b', 'c', 'd'}", "f", "exec")
    other = marshal.loads(marshal.dumps(code))
    assert edited.identical(code, other)


def test_other_text_or_another_matcher_is_another_entry(store):
    hooks = Recorder()
    original = Subject.plain.__code__
    keys = [
        edited.Request(original, edits).key
        for edits in (
            [splice.prepend("AH.note(1)", hooks)],
            [splice.prepend("AH.note(2)", hooks)],
            [splice.append("AH.note(1)", hooks)],
            [splice.before(splice.returns_true, "AH.note(1)", hooks)],
            [splice.before(splice.raises, "AH.note(1)", hooks)],
            [splice.after(splice.raises, "AH.note(1)", hooks)],
            [splice.after(splice.assigns("a"), "AH.note(1)", hooks)],
            [splice.after(splice.assigns("a", True), "AH.note(1)", hooks)],
            [splice.after(splice.assigns("a", 1), "AH.note(1)", hooks)],
            [splice.prepend("AH.note(1)", hooks), splice.prepend("AH.note(1)", hooks)],
            [splice.prepend("AH.note(1)", hooks), splice.prepend("AH.note(1)", Recorder())],
        )
    ]
    assert None not in keys
    assert len(set(keys)) == len(keys)


def test_the_key_is_the_same_in_each_process():
    program = (
        "import sys; sys.path.insert(0, %r)\n"
        "from async_health import _ah_edited, _ah_edits, _ah_splice as splice\n"
        "def match(x): return x in {'a', 'b', 'c', 'd', 'e'}\n"
        "match.__code__ = match.__code__.replace(co_filename=_ah_edits.__file__)\n"
        "print(_ah_edited.Request(match.__code__, [splice.after(match, 'AH.x()', object())]).key)\n"
    ) % os.path.dirname(os.path.dirname(edited.__file__))
    keys = set()
    for seed in "123":
        env = dict(os.environ, PYTHONHASHSEED=seed)
        keys.add(subprocess.run([sys.executable, "-c", program], env=env, stdout=subprocess.PIPE, check=True).stdout)
    assert len(keys) == 1
    assert b"'e'" in keys.pop()


def test_edits_that_cannot_be_compared_are_not_kept(store):
    def elsewhere(node, insert):
        node.body[0:0] = insert("AH.note(0)", recorder, node.body[0])

    recorder = Recorder()
    splice.splice(Subject.plain, elsewhere)
    undo()
    # A set decides what is edited, and is nowhere in the code.
    splice.splice(Subject.waiting, splice.wrap_awaits(_op(7), recorder, whole=("True", {1})))
    assert store.edited == {}
    Subject().plain(1)


def test_a_function_without_matching_source_is_not_kept(store):
    scope = {}
    exec(compile("def made(number):\n    return number\n", "<nowhere>", "exec"), scope)
    recorder = Recorder()
    splice.splice(scope["made"], splice.prepend("AH.note(number)", recorder))
    assert scope["made"](3) == 3
    assert recorder.calls == [(3,)]
    assert store.edited == {}


def test_a_broken_entry_costs_only_the_time_to_compile(store):
    edit_both(Recorder())
    undo()
    for key in store.edited:
        store.edited[key] = b"\xff"
    recorder = Recorder()
    edit_both(recorder)
    assert Subject().plain(4) == 8
    assert recorder.calls == [(4,)]


def test_the_oldest_go_when_there_are_too_many():
    cache = _ah_loader.CodeCache("", False)
    for number in range(5):
        cache.keep_edited("key%d" % number, b"", 3)
    cache.keep_edited("key3", b"new", 3)
    assert list(cache.edited) == ["key2", "key4", "key3"]
