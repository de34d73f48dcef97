"""Instrument a Python function without a wrapper frame: new statements in its own body.

A wrapper would show up in users' tracebacks and change what `inspect` says; an observation compiled into the function
itself does neither. The function's own source is parsed, statements are put at its start (and into a `finally`, and
around returned names), and `__code__` is swapped. Line numbers stay; the helpers are constants of the new code, so no
module gets new names. When source and bytecode do not match, or there is no source, `inject` says False and the caller
falls back to a wrapper.
"""

import __future__

import ast
import linecache
import re

from . import _ah_core as core

_MARK = "\0async_health:"
_FUTURE_FLAGS = 0
for _name in __future__.all_feature_names:
    _FUTURE_FLAGS |= getattr(__future__, _name).compiler_flag


def inject(function, name, prologue="", epilogue="", returns="", **constants):
    """Put `prologue` at the start of `function`, `epilogue` into a `finally` around its body.

    `returns`: an expression with the name AH_VALUE that replaces every `return <name>`. `constants`: objects that the new
    statements use by name (AH_...). All names else are the function's own. Undone when hook `name` is removed.
    Returns True when done.
    """
    try:
        code = instrumented(function, prologue, epilogue, returns, constants)
    except (OSError, SyntaxError, ValueError, TypeError, AttributeError, IndexError, RecursionError):
        return False
    if code is None:
        return False
    original = function.__code__
    function.__code__ = code

    def undo():
        if function.__code__ is code:
            function.__code__ = original

    core.on_remove(name, undo)
    return True


def instrumented(function, prologue, epilogue, returns, constants):
    """The new code object, or None when the source does not give the function's bytecode."""
    code = function.__code__
    lines, classes = _source_lines(function)
    if lines is None:
        return None
    flags = code.co_flags & _FUTURE_FLAGS
    imported = _imported(function)
    plain = _find(_compile(_with_imports(_parse(lines, classes, code), imported), code, flags), code.co_name)
    if plain is None or plain.co_code != code.co_code or plain.co_names != code.co_names:
        return None
    tree = _parse(lines, classes, code)
    node = tree
    for _ in classes:
        node = node.body[0]
    definition = node.body[0]
    definition.decorator_list = []
    body = definition.body
    keep = 1 if ast.get_docstring(definition, clean=False) is not None else 0
    first, rest = body[:keep], body[keep:]
    at = rest[0]
    if returns:
        _Returns(returns).visit(definition)
    new = _statements(prologue, at)
    if epilogue:
        block = ast.Try(body=rest, handlers=[], orelse=[], finalbody=_statements(epilogue, at))
        rest = [ast.copy_location(block, at)]
    definition.body = first + new + rest
    _Constants(constants).visit(tree)
    ast.fix_missing_locations(tree)
    made = _find(_compile(_with_imports(tree, imported), code, flags), code.co_name)
    if made is None or made.co_freevars != code.co_freevars:
        return None
    values = {_MARK + name: value for name, value in constants.items()}
    consts = tuple(values.get(const, const) if isinstance(const, str) else const for const in made.co_consts)
    return made.replace(co_consts=consts)


def _source_lines(function):
    """The function's lines, and the names of the classes around it."""
    code = function.__code__
    lines = linecache.getlines(code.co_filename)
    if not lines:
        return None, None
    start = code.co_firstlineno - 1
    indent = len(lines[start]) - len(lines[start].lstrip())
    end = start + 1
    body_seen = lines[start].lstrip().startswith(("def ", "async "))
    while end < len(lines):
        text = lines[end]
        stripped = text.strip()
        depth = len(text) - len(text.lstrip())
        if stripped and depth <= indent and not stripped.startswith("#"):
            if body_seen and not stripped.startswith(")"):
                break
            body_seen = body_seen or stripped.startswith(("def ", "async "))
        end += 1
    classes = function.__qualname__.split(".")[:-1]
    if "<locals>" in classes or (indent > 0) != bool(classes):
        return None, None
    return lines[start:end], classes


def _parse(lines, classes, code):
    """The function in classes of the right names (for `__private` names), at its true line numbers."""
    text = []
    for depth, name in enumerate(classes):
        text.append("%sclass %s:\n" % (" " * depth, name))
    tree = ast.parse("".join(text) + "".join(lines))
    shift = code.co_firstlineno - 1 - len(classes)
    # A class line could get a number below 1; it is not executed, so any valid number does.
    ast.increment_lineno(tree, shift)
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            node.lineno = max(1, node.lineno)
            if getattr(node, "end_lineno", None) is not None:
                node.end_lineno = max(node.lineno, node.end_lineno)
    definition = tree
    for _ in classes:
        definition = definition.body[0]
    definition.body[0].decorator_list = []
    return tree


_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+[.\w]+[ \t]+)?import[ \t]+(\([^)]*\)|[^\n]*)", re.MULTILINE)
_file_imports = {}


def _imported(function):
    """Global names of the function that its module imported: since 3.11 the compiler calls those in another way."""
    file = function.__code__.co_filename
    names = _file_imports.get(file)
    if names is None:
        names = set()
        for found in _IMPORT.findall("".join(linecache.getlines(file))):
            for part in re.sub(r"#[^\n]*", "", found).strip("()").split(","):
                words = part.split()
                if words:
                    names.add(words[-1].split(".")[0])
        _file_imports[file] = names
    return [name for name in function.__code__.co_names if name in names and name.isidentifier()]


def _with_imports(tree, names):
    if names:
        statement = ast.Import(names=[ast.alias(name=name, asname=None) for name in names])
        tree.body.insert(0, statement)
        ast.fix_missing_locations(tree)
    return tree


def _compile(tree, code, flags):
    return compile(tree, code.co_filename, "exec", flags=flags, dont_inherit=True)


def _find(code, name):
    for const in code.co_consts:
        if hasattr(const, "co_code"):
            if const.co_name == name and const.co_flags & 2:  # CO_NEWLOCALS: a function, not a class body
                return const
            found = _find(const, name)
            if found is not None:
                return found
    return None


def _statements(text, at):
    if not text:
        return []
    made = ast.parse(text).body
    for statement in made:
        for node in ast.walk(statement):
            ast.copy_location(node, at)
            if hasattr(node, "lineno"):
                node.lineno = at.lineno
                node.end_lineno = getattr(at, "end_lineno", at.lineno)
    return made


class _Returns(ast.NodeTransformer):
    def __init__(self, expression):
        self.expression = expression

    def visit_Return(self, node):
        if isinstance(node.value, ast.Name):
            name = node.value.id
            value = ast.parse(self.expression, mode="eval").body
            for part in ast.walk(value):
                if isinstance(part, ast.Name) and part.id == "AH_VALUE":
                    part.id = name
                ast.copy_location(part, node.value)
            node.value = value
        return node

    def _skip(self, node):
        return node

    visit_Lambda = visit_ClassDef = _skip


class _Constants(ast.NodeTransformer):
    def __init__(self, constants):
        self.constants = constants

    def visit_Name(self, node):
        if node.id in self.constants:
            constant = ast.copy_location(ast.Constant(value=_MARK + node.id, kind=None), node)
            # The conditional is folded away; it only keeps the compiler from warning that a text is not callable.
            true = ast.copy_location(ast.Constant(value=True, kind=None), node)
            none = ast.copy_location(ast.Constant(value=None, kind=None), node)
            return ast.copy_location(ast.IfExp(test=true, body=constant, orelse=none), node)
        return node
