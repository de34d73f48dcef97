"""Puts statements into an existing function without a wrapper frame.

A wrapper around ``Lock.acquire`` costs a frame per call, shows up in tracebacks and changes what ``inspect`` says. So
the function's own source is parsed, statements are added, and the result replaces ``func.__code__``: the function
object, its signature, its line numbers and its columns stay what they were.

The added statements reach the probe through one object placed in the code's constants (no name is added to the
module's globals). The rest of the code must compile to exactly the byte code that is running; where it does not
(source missing, changed on disk, compiled by another tool) a stand-in is edited that calls the original, see `_ah_whole`;
where that cannot be either, nothing is touched and the caller is told.
"""

import ast
import linecache
import re
import sys
import types

from . import _ah_edited as edited
from . import _ah_whole as whole
from ._ah_edits import (  # noqa: F401  (part of this module's interface)
    SpliceError,
    after,
    append,
    around,
    assigns,
    before,
    inside,
    prepend,
    raises,
    raises_error,
    returns_true,
    sets,
    wrap_awaits,
)
from ._ah_parse import parse

_FUTURE_MASK = 0x1FF0000  # CO_FUTURE_*: the flags that change how source compiles
_registry = {}  # id(func) -> _Spliced; functions live as long as their modules


class _Spliced:
    __slots__ = ("func", "original", "edits")

    def __init__(self, func):
        self.func = func
        self.original = func.__code__
        self.edits = []


def splice(func, *new):
    """Adds statements to a plain or coroutine function, by one or more edits at once.

    An ``edit(node, insert)`` changes the ``ast.FunctionDef`` in place. ``insert(text, hooks, like)`` gives the statements
    of ``text`` in which the name ``AH`` stands for the object ``hooks``, positioned at the node ``like``. Raises
    :class:`SpliceError` when the function cannot be edited; nothing has changed then.
    """
    func = underlying(func)
    known = _registry.get(id(func))
    if known is None or known.func is not func or not known.edits:
        known = _Spliced(func)
    edits = known.edits + list(new)
    code = _compile(func, known.original, edits)
    _swap(func, code)
    known.edits = edits
    _registry[id(func)] = known
    return func


def unsplice(func, *edits):
    """Takes edits (all, when none is given) out again, at once; frames that run finish with the code they have."""
    func = underlying(func)
    known = _registry.get(id(func))
    if known is None or known.func is not func:
        return
    rest = [one for one in known.edits if not any(one is other for other in edits)] if edits else []
    if rest:
        _swap(func, _compile(func, known.original, rest))
        known.edits = rest
    else:
        del _registry[id(func)]
        _swap(func, known.original)


def exchange(func, old, new):
    """Takes the edits `old` out and puts `new` in, in one step: no call ever sees code in between."""
    func = underlying(func)
    known = _registry.get(id(func))
    if known is None or known.func is not func:
        known = _Spliced(func)
    edits = [one for one in known.edits if not any(one is other for other in old)] + list(new)
    if not edits:
        unsplice(func)
        return
    code = _compile(func, known.original, edits)
    _swap(func, code)
    known.edits = edits
    _registry[id(func)] = known


def underlying(func):
    """The function with the code, below ``functools.wraps`` decorators and bound methods."""
    func = getattr(func, "__func__", func)
    seen = 0
    while seen < 10 and hasattr(func, "__wrapped__"):
        func = func.__wrapped__
        seen += 1
    if not isinstance(func, types.FunctionType):
        raise SpliceError("not a Python function: %r" % (func,))
    return func


def original_code(func):
    """The code object the function had before any splice."""
    func = underlying(func)
    known = _registry.get(id(func))
    return known.original if known is not None and known.func is func else func.__code__


def _swap(func, code):
    old = func.__code__
    func.__code__ = code
    # trio (0.28 and later) keeps its protection from KeyboardInterrupt by code object.
    ki = sys.modules.get("trio._core._ki")
    table = getattr(ki, "_CODE_KI_PROTECTION_STATUS_WMAP", None)
    if table is not None:
        try:
            table[code] = table[old]
        except KeyError:
            pass


def _compile(func, original, edits):
    request = edited.Request(original, edits)
    known = request.recall()
    if known is not None:
        return _finish(known[0], original, known[1])
    objects = []
    insert = _inserter(objects)
    flags = original.co_flags & _FUTURE_MASK
    try:
        tree, node = _body(func, original, flags)
        stands_in = False
    except SpliceError as error:
        try:
            tree, node = whole.stand_in(func, original, insert)
        except whole.Refused:
            raise error from None
        stands_in = True
    for edit in edits:
        edit(node, insert)
    if stands_in:
        try:
            whole.check_names(node, func)
        except whole.Refused as error:
            raise SpliceError("%s has no matching source, and %s" % (func.__qualname__, error)) from None
    code = _find(_build(tree, original.co_filename, flags), original)
    if code is None:
        raise SpliceError("lost %s while compiling" % (func.__qualname__,))
    finished = _finish(code, original, objects)
    if not stands_in:
        request.keep(code, objects)
    return finished


def _body(func, original, flags):
    """(tree, function node) of the function's own source."""
    lines = linecache.getlines(original.co_filename, func.__globals__)
    first = original.co_firstlineno
    if not lines or first > len(lines):
        raise SpliceError("no source for %s" % (func.__qualname__,))
    names = func.__qualname__.split(".")
    if len(names) > 1 and names[-2].isidentifier():
        owner = "class %s:" % names[-2]
    else:
        owner = "def _(%s):" % ", ".join(original.co_freevars)
    source, names = _verified_source(func, original, lines, owner, flags)
    return _parse(source, owner, func, names)


_verified = {}  # id(original code) -> (code, source lines, imported names)


def _verified_source(func, original, lines, owner, flags):
    """The function's source lines, and the imports to assume, that give exactly the running code."""
    known = _verified.get(id(original))
    if known is not None and known[0] is original:
        return known[1], known[2]
    first = original.co_firstlineno
    for imports in (_scan_imports, _guess_imports, _read_imports):
        names = imports(func, lines)
        for source in _blocks(lines, first - 1):
            tree, node = _parse(source, owner, func, names)
            if node is not None and _same(_find(_build(tree, original.co_filename, flags), original), original):
                _verified[id(original)] = (original, source, names)
                return source, names
    raise SpliceError("source of %s does not match the running code" % (func.__qualname__,))


def _blocks(lines, start):
    """Candidate source blocks of the function at ``start``: up to each line that could end it."""
    indent = _indent(lines[start])
    given = 0
    for end in range(start + 1, len(lines)):
        line = lines[end]
        if line.strip() and _indent(line) <= indent:
            yield lines[start:end]
            given += 1
            if given > 12:
                return
    yield lines[start:]


def _indent(line):
    return len(line) - len(line.lstrip(" \t"))


# Since 3.11 `name.method()` compiles differently when `name` is imported at module level, so the imports matter.


_IMPORT = re.compile(r"^[ \t]*(?:from[ \t]+[.\w]+[ \t]+)?import[ \t]+(\([^)]*\)|[^\n]*)", re.MULTILINE)
_scanned = {}  # file name -> names


def _scan_imports(func, lines):
    """The function's globals that an import statement of its file names; a search over the text, so the first try."""
    file = func.__code__.co_filename
    names = _scanned.get(file)
    if names is None:
        names = _scanned[file] = set()
        for found in _IMPORT.findall("".join(lines)):
            for part in re.sub(r"#[^\n]*", "", found).strip("()").split(","):
                words = part.split()
                if words:
                    names.add(words[-1].split(".")[0])
    return [name for name in original_code(func).co_names if name in names and name.isidentifier()]


def _guess_imports(func, lines):
    """Names among the function's globals that look imported: modules, and things made in another module."""
    names = []
    for name in func.__code__.co_names:
        value = func.__globals__.get(name)
        if value is None:
            continue
        if isinstance(value, types.ModuleType) or getattr(value, "__module__", func.__module__) != func.__module__:
            names.append(name)
    return names


_file_imports = {}  # file name -> names


def _read_imports(func, lines):
    """The names that the file's own module-level statements import; parses the whole file, once."""
    file = func.__code__.co_filename
    names = _file_imports.get(file)
    if names is None:
        names = _file_imports[file] = _imports_in("".join(lines))
    return names


def _imports_in(text):
    try:
        tree = parse(text)
    except SyntaxError:
        return []
    names = []
    queue = list(tree.body)
    while queue:
        statement = queue.pop()
        if isinstance(statement, (ast.Import, ast.ImportFrom)):
            names.extend((alias.asname or alias.name.split(".")[0]) for alias in statement.names)
        elif not isinstance(statement, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            queue.extend(
                child for child in ast.iter_child_nodes(statement) if isinstance(child, (ast.stmt, ast.ExceptHandler))
            )
    return [name for name in names if name.isidentifier()]


def _parse(source, owner, func, imports):
    first, name = original_code(func).co_firstlineno, func.__name__
    nested = source[0][:1] in " \t"
    head = "import %s; " % ", ".join(imports) if imports else ""
    # Empty lines ahead give the nodes their true line numbers; walking the tree for that is 20 times slower.
    text = "\n" * (first - 3) + (head + "\n%s\n" % owner if nested else head + "\n\n") + "".join(source)
    try:
        tree = parse(text)
    except SyntaxError:
        return None, None
    if first < 3:
        ast.increment_lineno(tree, first - 3)
    _rewrite_assertions(func, tree, text)
    last = tree.body[-1]
    body = last.body if nested and isinstance(last, (ast.ClassDef, ast.FunctionDef)) else tree.body
    for node in body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name:
            return tree, node
    return None, None


def _rewrite_assertions(func, tree, text):
    """pytest compiles its plugins (anyio is one) with assertions of its own making; do as it did."""
    loader = func.__globals__.get("__loader__")
    if type(loader).__name__ != "AssertionRewritingHook":
        return
    rewrite = getattr(sys.modules.get("_pytest.assertion.rewrite"), "rewrite_asserts", None)
    if rewrite is not None:
        rewrite(tree, text.encode("utf-8"), func.__code__.co_filename, getattr(loader, "config", None))


def _build(tree, filename, flags):
    return compile(tree, filename, "exec", flags=flags, dont_inherit=True)


def _find(code, like):
    """The code object inside ``code`` that stands for the function ``like``."""
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            if const.co_name == like.co_name and const.co_firstlineno == like.co_firstlineno:
                return const
            found = _find(const, like)
            if found is not None:
                return found
    return None


def _same(code, original):
    if (
        code is None
        or code.co_code != original.co_code
        or code.co_names != original.co_names
        or code.co_freevars != original.co_freevars
        or len(code.co_consts) != len(original.co_consts)
    ):
        return False
    for one, other in zip(code.co_consts, original.co_consts):
        if isinstance(one, types.CodeType) and isinstance(other, types.CodeType):
            if not _same(one, other):
                return False
        elif one != other and not (isinstance(one, str) and isinstance(other, str) and "<locals>" in other):
            return False  # before 3.11 the qualified name of a nested function is a constant
    return True


class _Place(ast.NodeTransformer):
    def __init__(self, key):
        self.key = key

    def visit_Name(self, node):
        return ast.Constant(value=self.key) if node.id == "AH" else node


def _inserter(objects):
    def insert(text, hooks, like):
        key = "\0async_health\0%d" % len(objects)
        objects.append((key, hooks))
        statements = _Place(key).visit(parse(text)).body
        for statement in statements:
            for child in ast.walk(statement):
                # Every added instruction belongs to the line it stands next to.
                if "lineno" in child._attributes:
                    child.lineno = like.lineno
                    child.col_offset = like.col_offset
                    child.end_lineno = like.lineno
                    child.end_col_offset = like.col_offset
        return statements

    return insert


def _finish(code, original, objects):
    if code.co_freevars != original.co_freevars:
        raise SpliceError("an edit changed the closure of %s" % original.co_name)
    changes = {"co_consts": _constants(code, dict(objects))}
    if hasattr(code, "co_qualname"):
        changes["co_qualname"] = original.co_qualname
    return code.replace(**changes)


def _constants(code, table):
    """The code's constants with the placeholders replaced, in nested functions too."""
    consts = []
    for const in code.co_consts:
        if isinstance(const, str):
            const = table.get(const, const)
        elif isinstance(const, types.CodeType):
            inner = _constants(const, table)
            if any(one is not other for one, other in zip(inner, const.co_consts)):
                const = const.replace(co_consts=inner)
        consts.append(const)
    return tuple(consts)


def apply(hook_name, func, *edits):
    """Splices all edits or none, with the undo under the core's hook ``hook_name``; False and a note when it cannot be done."""
    from . import _ah_core as core

    try:
        splice(func, *edits)
    except Exception as error:
        core.missing(hook_name, error)
        return False
    core.on_remove(hook_name, lambda: unsplice(func, *edits))
    return True
