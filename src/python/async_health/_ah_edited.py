"""Edited code between processes: what `_ah_splice` made of a function is kept beside the probe's own bytecode.

To edit a function is to read its source, parse it, compile it twice and compare: about half a millisecond each, 35 ms for
all that is edited when asyncio is imported. The result depends on nothing but

- the code object that runs: it is kept whole and compared field by field, its constants, lines and columns too. Source that
  has changed on disk doesn't matter then, as it is the running code that was edited;
- the edits: functions of the probe's own files (whose text is in the name of the cache's file, as is the interpreter's version)
  and what their closures hold: plain values, and the objects that the added statements use. These objects are put in anew.

Anything else (edits made elsewhere, closures with other things in them, a stand-in of `_ah_whole`) is not kept.
"""

import marshal
import types

#: `_ah_loader.CodeCache`, set by the loader; None when the probe was imported as an installed package.
store = None

#: Entries, of 3 KB on average; asyncio takes about 40. The oldest go.
_MAX = 400
_OURS = (lambda: 0).__code__.co_filename.rpartition("_ah_edited")[0]
_PLAIN = (str, int, bool, float, bytes, type(None))
_COMPARED = (
    "co_code co_names co_varnames co_freevars co_cellvars co_flags co_argcount co_posonlyargcount co_kwonlyargcount "
    "co_nlocals co_stacksize co_firstlineno co_filename co_name"
).split()
# Those of newer versions; the line table under its former name warns where there is a new one.
_COMPARED += [name for name in ("co_qualname", "co_exceptiontable") if hasattr(types.CodeType, name)]
_COMPARED.append("co_linetable" if hasattr(types.CodeType, "co_linetable") else "co_lnotab")


class _Unknown(Exception):
    """The edits depend on something that cannot be compared."""


class Request:
    """One function and its edits; `key` is None when the result cannot be kept."""

    __slots__ = ("original", "objects", "key")

    def __init__(self, original, edits):
        self.original = original
        #: What the edits hold that is not a plain value, in the order met: the same in each process.
        self.objects = []
        try:
            text = repr([self._describe(edit, 0) for edit in edits])
            self.key = "%s:%d:%s:%s" % (original.co_filename, original.co_firstlineno, original.co_name, text)
        except _Unknown:
            self.key = None

    def _describe(self, value, depth):
        """A tree of plain values that two edits share when they do the same."""
        kind = type(value)
        if kind in _PLAIN:
            return value
        if depth > 8:
            raise _Unknown
        if kind in (tuple, list):
            return [kind.__name__] + [self._describe(one, depth + 1) for one in value]
        if kind is dict:
            return ["dict"] + [self._describe(pair, depth + 1) for pair in value.items()]
        if kind is types.FunctionType:
            return self._describe_function(value, depth)
        for index, known in enumerate(self.objects):
            if known is value:
                return ["object", index]
        self.objects.append(value)
        return ["object", len(self.objects) - 1]

    def _describe_function(self, function, depth):
        code = function.__code__
        if not code.co_filename.startswith(_OURS):
            raise _Unknown
        try:
            held = [cell.cell_contents for cell in function.__closure__ or ()]
        except ValueError:  # not set yet
            raise _Unknown from None
        held += [function.__defaults__, function.__kwdefaults__]
        # Line and names tell two lambdas of one line apart.
        what = [code.co_filename[len(_OURS) :], code.co_firstlineno, code.co_name, code.co_names, code.co_code]
        return what + [_consts(code)] + [self._describe(one, depth + 1) for one in held]

    def recall(self):
        """(code, objects by placeholder) as `keep` was given them, or None."""
        if store is None or self.key is None:
            return None
        data = store.edited.get(self.key)
        if data is None:
            return None
        try:
            original, code, places = marshal.loads(data)
            if identical(original, self.original):
                return code, [(placeholder, self.objects[index]) for placeholder, index in places]
        except Exception:  # damaged: compile, which replaces it
            pass
        return None

    def keep(self, code, used):
        """Keep what `_ah_splice` compiled; `used`: (placeholder, object) of each text that was added."""
        if store is None or self.key is None or store.path is None:
            return
        places = []
        for placeholder, value in used:
            index = next((index for index, one in enumerate(self.objects) if one is value), None)
            if index is None:
                return
            places.append((placeholder, index))
        if len({index for _, index in places}) != len(self.objects):
            return  # an object that is not only put in may decide what is put in
        try:
            data = marshal.dumps((self.original, code, tuple(places)))
            store.keep_edited(self.key, data, _MAX)
        except Exception:  # constants that another tool put there, two threads that import: it is not kept
            pass


def _consts(code):
    found = []
    for one in code.co_consts:
        if isinstance(one, types.CodeType):
            found.append([one.co_names, one.co_code, _consts(one)])
        elif isinstance(one, frozenset):  # in another order in each process
            found.append(sorted(map(repr, one)))
        else:
            found.append(repr(one))
    return found


def identical(one, other):
    """Are two code objects the same in all that they do and tell?"""
    for name in _COMPARED:
        if getattr(one, name) != getattr(other, name):
            return False
    if len(one.co_consts) != len(other.co_consts):
        return False
    for mine, its in zip(one.co_consts, other.co_consts):
        if isinstance(mine, types.CodeType) and isinstance(its, types.CodeType):
            if not identical(mine, its):
                return False
        # `1 == True` and `0.0 == -0.0`; a set's order differs from process to process.
        elif type(mine) is not type(its) or mine != its or not (isinstance(mine, frozenset) or repr(mine) == repr(its)):
            return False
    return True
