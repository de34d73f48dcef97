"""The fallback of `_ah_splice` for functions whose source is not there (frozen programs, `.pyc` alone) or is not what runs.

The code object is replaced by a small one of the same name, signature and kind that calls the original:

    async def acquire(self):
        _ah_result = await ORIGINAL(self)
        return _ah_result

Edits that concern the whole function (at its beginning, at its end, around it) work on that as they do on the real body; those
that need a statement of the inside are refused. It costs a frame per call, which also shows in tracebacks. The function object,
its signature, its defaults, its name and `inspect.iscoroutinefunction` stay what they were.
"""

import ast
import builtins
import types

from ._ah_parse import parse

_GENERATOR = 0x20
_COROUTINE = 0x80
_ASYNC_GENERATOR = 0x200
_VARARGS, _VARKEYWORDS = 0x04, 0x08


class _Original:
    """Holds the function to call: calling a constant itself would make the compiler warn."""

    __slots__ = ("call",)

    def __init__(self, call):
        self.call = call


class Refused(Exception):
    """Why there is no such stand-in."""


def stand_in(func, original, insert):
    """(tree, function node) of the stand-in for a function with the code `original`."""
    flags = original.co_flags
    if flags & (_GENERATOR | _ASYNC_GENERATOR):
        raise Refused("a generator")
    asynchronous = bool(flags & _COROUTINE)
    parameters, arguments = _signature(original)
    called = types.FunctionType(original, func.__globals__, func.__name__, func.__defaults__, func.__closure__)
    called.__kwdefaults__ = func.__kwdefaults__
    called.__qualname__ = func.__qualname__
    # The names of the closure are mentioned, so that the code has the same free variables.
    mention = "    if 0: %s\n" % ", ".join(original.co_freevars) if original.co_freevars else ""
    text = "def _(%s):\n  %sdef %s(%s):\n%s    pass\n" % (
        ", ".join(original.co_freevars),
        "async " if asynchronous else "",
        func.__name__,
        parameters,
        mention,
    )
    tree = parse(text)
    node = tree.body[0].body[0]
    body = insert("_ah_result = AH.call(%s)\nreturn _ah_result" % arguments, _Original(called), node)
    if asynchronous:
        body[0].value = ast.copy_location(ast.Await(value=body[0].value), body[0].value)
    body[0].is_whole = body[1].is_whole = True
    node.body[-1:] = body
    first = original.co_firstlineno
    for child in ast.walk(tree):
        if "lineno" in child._attributes:
            child.lineno = child.end_lineno = first
            child.col_offset = child.end_col_offset = 0
    return tree, node


def _signature(code):
    """(parameter list, arguments of the call), without defaults: those are the function object's."""
    names = list(code.co_varnames)
    positional = getattr(code, "co_posonlyargcount", 0)
    count = code.co_argcount
    parameters = names[:count]
    arguments = list(parameters)
    if positional:
        parameters.insert(positional, "/")
    keyword_only = names[count : count + code.co_kwonlyargcount]
    at = count + len(keyword_only)
    if code.co_flags & _VARARGS:
        parameters.append("*" + names[at])
        arguments.append("*" + names[at])
        at += 1
    elif keyword_only:
        parameters.append("*")
    parameters.extend(keyword_only)
    arguments.extend("%s=%s" % (name, name) for name in keyword_only)
    if code.co_flags & _VARKEYWORDS:
        parameters.append("**" + names[at])
        arguments.append("**" + names[at])
    if any(not name.lstrip("*/").isidentifier() for name in parameters if name not in ("*", "/")):
        raise Refused("parameters without names")
    return ", ".join(parameters), ", ".join(arguments)


def is_whole(statement):
    """Is it the one statement that calls the original, or returns its result?"""
    return getattr(statement, "is_whole", False)


def check_names(node, func):
    """Refuse edits that use what only the original's body has."""
    known = {one.arg for one in ast.walk(node.args) if isinstance(one, ast.arg)}
    known.update(func.__globals__)
    known.update(vars(builtins))
    known.update(func.__code__.co_freevars)
    for child in ast.walk(node):
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            known.add(child.id)
    for child in ast.walk(node):
        if isinstance(child, ast.Name) and child.id not in known:
            raise Refused("the edit needs %r of its body" % child.id)
