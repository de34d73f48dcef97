"""Interned strings and stacks: hot paths get a number, the texts are worked out later on the probe's thread.

A stack is known by its code objects (compared by identity first) and its instruction offsets; the walk costs about 60 ns a
frame. Lines and names are resolved once per stack, off the hot path, by `take_definitions`.
"""

import gc
import itertools
import os
import sys
from bisect import bisect_right

#: Tables are emptied (ids go on, never reused) when they pass these sizes, so a program that makes up endless
#: names or stacks costs bounded memory here.
_STRINGS_MAX = 20000
_STACKS_MAX = 20000
_LINES_MAX = 5000

_strings = {}
#: Ids come from counters in C, so that threads of a build without the GIL never get the same one.
_next_string = itertools.count(1).__next__
_new_strings = []

_stacks = {}
_chains = {}
_next_stack = itertools.count(1).__next__
_new_stacks = []

_frames = {}
_frame_count = 0
_lines = {}

#: Frames to record per creation or event stack at level `standard`: each costs about 90 ns at every task's birth.
STANDARD_DEPTH = 5
SCOPE_DEPTH = 8
#: The same by level of detail.
DEPTHS = (0, STANDARD_DEPTH, 40)
#: The same for what is rarer: locks that are waited for, sessions, generators, what the program tells by itself.
RARE_DEPTHS = (0, SCOPE_DEPTH, 40)

_boundary = None
#: Leading frames of files below these folders are left out of creation and event stacks.
_library_paths = ()
_cwd = os.getcwd()


def set_stack_boundary(code):
    """Stacks stop before a frame of `code` (the event loop's own `Handle._run`): below it there is only the loop."""
    global _boundary
    _boundary = code
    for set_boundary in _boundary_setters:
        set_boundary(code)
    add_library(os.path.dirname(code.co_filename) + os.sep)


def add_library(path):
    """Innermost frames of files below `path` (ends with a separator) say nothing to the program's author: leave them out."""
    global _library_paths
    if path not in _library_paths:
        _library_paths += (path,)


def string_id(text):
    """Id of a text; 0 for the empty one. 60 ns when known."""
    found = _strings.get(text)
    if found is not None:
        return found
    return _new_string(text)


def _new_string(text):
    if not text:
        return 0
    if len(_strings) > _STRINGS_MAX:
        _strings.clear()
        _frames.clear()
    number = _next_string()
    _strings[text] = number
    _new_strings.append((number, text))
    return number


def code_id(code):
    """String id of a code object's qualified name (plain name before 3.11)."""
    return string_id(qualified(code))


def qualified(code):
    return getattr(code, "co_qualname", None) or code.co_name


def stack_id(frame, limit=STANDARD_DEPTH):
    """Id of the stack of `frame` and its callers, innermost first, at most `limit` frames (0: none), loop frames left out."""
    if frame is None:
        return 0
    if limit == STANDARD_DEPTH:
        return standard_stack(frame)
    if limit <= 0:
        return 0
    boundary = _boundary
    codes = []
    lastis = []
    while True:
        code = frame.f_code
        if code is boundary:
            break
        codes.append(code)
        lastis.append(frame.f_lasti)
        frame = frame.f_back
        if frame is None:
            break
        limit -= 1
        if not limit:
            if frame.f_code is not boundary:
                lastis.append(-1)  # cut
            break
    return _intern(tuple(codes), tuple(lastis), True)


def _unrolled(depth):
    """Source of `make(get, intern)`, which gives `stack_id(frame, depth)` without a loop (half its cost), and the setter of
    the boundary. Each attribute of a frame is a call into C (about 25 ns), so nothing is asked for twice."""

    def names(letter, count):
        return "(%s)" % "".join("%s%d, " % (letter, index) for index in range(count))

    def answer(count, lastis=None):
        codes, lastis = names("c", count), lastis or names("l", count)
        return "e[1] if (e := get(%s)) is not None and e[0] == %s else intern(%s, %s, True)" % (
            lastis,
            codes,
            codes,
            lastis,
        )

    lines = ["def make(get, intern):", " boundary = None", " def walk(f):"]
    for at in range(depth):
        if at:
            lines.append("  if f is None: return " + answer(at))
        lines.append("  c%d = f.f_code" % at)
        lines.append("  if c%d is boundary: return %s" % (at, answer(at) if at else "0"))
        lines += ["  l%d = f.f_lasti" % at, "  f = f.f_back"]
    lines.append("  if f is None or f.f_code is boundary: return " + answer(depth))
    lines.append("  return " + answer(depth, names("l", depth)[:-1] + "-1)"))
    lines += [" def set_boundary(code):", "  nonlocal boundary", "  boundary = code", " return walk, set_boundary"]
    return "\n".join(lines)


def frames_id(codes, lastis, trim=False):
    """Id of a stack given as tuples of code objects and offsets, innermost first; a trailing offset -1 says it was cut."""
    return _intern(codes, lastis, trim)


def _intern(codes, lastis, trim):
    if not codes:
        return 0
    table = _stacks if trim else _chains
    first = table.get(lastis)
    if first is not None:
        # A chain of (codes, id, next): other code at the very same offsets is rare.
        entry = first
        while entry is not None:
            if entry[0] == codes:
                return entry[1]
            entry = entry[2]
    elif len(table) > _STACKS_MAX:
        table.clear()
    number = _next_stack()
    _new_stacks.append((number, codes, lastis, trim))
    table[lastis] = (codes, number, first)
    return number


def walk_to(depth):
    """(`stack_id(frame, depth)` unrolled, for a frame that is not None; the function that sets the code where it ends)."""
    made = {}
    file = __file__ if "__file__" in globals() else __spec__.origin
    exec(compile(_unrolled(depth), file, "exec"), made)
    return made["make"](_stacks.get, _intern)


def _walk(depth):
    """A walk that ends at the event loop's own frame."""
    walk, set_boundary = walk_to(depth)
    _boundary_setters.append(set_boundary)
    return walk


_boundary_setters = []
#: A stack of the depth of level `standard`.
standard_stack = _walk(STANDARD_DEPTH)
#: The same for scopes: between the scope and the program often stand a generator of a library and two frames of contextlib.
scope_stack = _walk(SCOPE_DEPTH)


_MAX_CHAIN = 64
_OPAQUE = frozenset(
    (
        "async_generator_asend",
        "async_generator_athrow",
        "anext_awaitable",
        "coroutine_wrapper",
        "async_generator_wrapped_value",
    )
)


def next_awaited(awaitable):
    """What a suspended coroutine, generator or async generator waits on, or None. Touches nothing of the user's."""
    try:
        return awaitable.cr_await
    except AttributeError:
        pass
    try:
        return awaitable.gi_yieldfrom
    except AttributeError:
        pass
    try:
        return awaitable.ag_await
    except AttributeError:
        pass
    if type(awaitable).__name__ in _OPAQUE:
        # The wrappers of `__anext__`, `asend()` and `__await__` say nothing, but their generator is all they refer to.
        for inner in gc.get_referents(awaitable):
            if hasattr(inner, "ag_frame") or hasattr(inner, "cr_frame") or hasattr(inner, "gi_frame"):
                return inner
    return None


def frame_of(awaitable):
    """The frame of a coroutine-like object, or None (finished, or not made of Python code)."""
    for name in ("cr_frame", "gi_frame", "ag_frame"):
        try:
            return getattr(awaitable, name)
        except AttributeError:
            continue
    return None


def chain_id(coroutine):
    """Id of the stack of a suspended coroutine along its awaits, innermost first; 0 when there is no Python frame."""
    codes = []
    lastis = []
    depth = 0
    while coroutine is not None and depth < _MAX_CHAIN:
        frame = frame_of(coroutine)
        if frame is not None:
            codes.append(frame.f_code)
            lastis.append(frame.f_lasti)
        elif type(coroutine).__name__ not in _OPAQUE:
            break
        coroutine = next_awaited(coroutine)
        depth += 1
    codes.reverse()
    lastis.reverse()
    return _intern(tuple(codes), tuple(lastis), False)


# --- resolving, on the probe's thread -----------------------------------------------------------------------------


def _line_table(code):
    """(offsets, lines) of a code object, ascending."""
    known = _lines.get(id(code))
    if known is not None and known[0] is code:
        return known
    offsets = []
    lines = []
    if hasattr(code, "co_lines"):
        for start, _end, line in code.co_lines():
            offsets.append(start)
            lines.append(line)
    else:  # before 3.10: pairs of unsigned offset and signed line increments
        offset = 0
        line = code.co_firstlineno
        offsets.append(0)
        lines.append(line)
        table = code.co_lnotab
        for index in range(0, len(table) - 1, 2):
            offset += table[index]
            step = table[index + 1]
            line += step - 256 if step >= 128 else step
            offsets.append(offset)
            lines.append(line)
    if len(_lines) > _LINES_MAX:
        _lines.clear()
    known = _lines[id(code)] = (code, offsets, lines)
    return known


def line_of(code, lasti):
    """1-based line of an instruction offset."""
    if lasti < 0:
        return code.co_firstlineno
    _code, offsets, lines = _line_table(code)
    at = bisect_right(offsets, lasti) - 1
    while at >= 0:
        if lines[at] is not None:
            return lines[at]
        at -= 1
    return code.co_firstlineno


def file_of(code):
    """Absolute file name of a code object where it has a file."""
    name = code.co_filename
    if name and name[0] != "<" and not os.path.isabs(name):
        return os.path.normpath(os.path.join(_cwd, name))
    return name


def _is_ours(code):
    return os.path.basename(code.co_filename)[:4] == "_ah_"


def _is_launcher(code):
    name = code.co_filename
    return (
        "debugpy" in name
        and ("%sdebugpy%s" % (os.sep, os.sep)) in name
        or name in ("<frozen runpy>", "<string>")
        or (name.endswith("%srunpy.py" % os.sep))
    )


def _trim(codes, lastis):
    """Leave out our own frames, asyncio's and anyio's at the inner end and the debugger's launcher at the outer end."""
    pairs = [(code, at) for code, at in zip(codes, lastis) if not _is_ours(code)]
    if not pairs:
        pairs = list(zip(codes, lastis))
    first = 0
    while first < len(pairs) and pairs[first][0].co_filename.startswith(_library_paths):
        first += 1
    if first == len(pairs):
        first = 0
    last = len(pairs)
    while last > first and _is_launcher(pairs[last - 1][0]):
        last -= 1
    return pairs[first:last] or pairs


def _frame_id(code, lasti, new_frames):
    global _frame_count
    key = (string_id(file_of(code)), code_id(code), line_of(code, lasti))
    number = _frames.get(key)
    if number is None:
        _frame_count = number = _frame_count + 1
        _frames[key] = number
        new_frames.append((number,) + key)
    return number


def take_definitions():
    """All definitions made since the last call, as `ProbeDefs`, or None. Call after taking the rows that use them."""
    if not _new_stacks and not _new_strings:
        return None
    count = len(_new_stacks)
    stacks = []
    frames = []
    for number, codes, lastis, trim in _new_stacks[:count]:
        pairs = _trim(codes, lastis) if trim else zip(codes, lastis)
        ids = [_frame_id(code, lasti, frames) for code, lasti in pairs]
        if len(lastis) > len(codes):
            ids.append(0)
        stacks.append([number] + ids)
    del _new_stacks[:count]
    count = len(_new_strings)
    strings = _new_strings[:count]
    del _new_strings[:count]
    found = {}
    if strings:
        found["strings"] = strings
    if frames:
        found["frames"] = frames
    if stacks:
        found["stacks"] = stacks
    return found


def pending_definitions():
    """How many definitions wait to be sent."""
    return len(_new_stacks) + len(_new_strings)


def forget():
    """A new listener knows none of the definitions: start with empty tables. Ids go on, so rows still in flight are safe."""
    _strings.clear()
    _stacks.clear()
    _chains.clear()
    _frames.clear()
    del _new_strings[:]
    del _new_stacks[:]


def module_file(name):
    """File of an imported module, or None."""
    return getattr(sys.modules.get(name), "__file__", None)


def forget_pending():
    """Nobody listens: what would define rows that are thrown away is thrown away, and made anew when needed again."""
    if _new_stacks or _new_strings:
        forget()
