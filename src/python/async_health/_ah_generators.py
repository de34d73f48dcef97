"""Async generators: begun, finished, abandoned to the collector or the loop's shutdown, and yielding inside a scope.

The hooks sit in the functions that asyncio and trio give to `sys.set_asyncgen_hooks`, so loops that run already have them
too. An `@asynccontextmanager` body and a test fixture yield inside scopes on purpose; they are exempt.
"""

import os
import sys
import weakref

from . import _ah_core as core
from . import _ah_intern as intern
from . import _ah_locks as locks
from . import _ah_splice as splice
from . import _ah_wire as w

HOOK = "asyncgen"

_ASYNC_GENERATOR = 0x200  # CO_ASYNC_GENERATOR
_COROUTINE = 0x80 | 0x100
_MAX_TRACKED = 50_000

COLLECTOR, SHUTDOWN = 1, 2

AH = locks.Hooks()


class _Ref(weakref.ref):
    __slots__ = ("key",)


class Known:
    """One live async generator."""

    __slots__ = ("ref", "key", "code", "name", "task", "stack", "exempt", "told", "scopes", "reported", "final")

    def __init__(self, key, ref, code, name, task, stack, exempt):
        self.key = key
        self.ref = ref
        self.code = code
        self.name = name
        self.task = task
        self.stack = stack
        self.exempt = exempt
        self.told = False
        #: Addresses of the open scopes it entered, in order.
        self.scopes = []
        self.reported = set()
        self.final = 0


known_generators = {}  # address -> Known
by_code = {}  # id(code) -> {address}
scoped = {}  # address of a scope -> address of the generator that entered it
finalised = {}  # address -> code of generators whose finalising was told
ended = {}  # address -> Known whose weak reference died; told at the next tick unless a finaliser comes first


def _gone(ref):
    try:
        known = known_generators.get(ref.key)
        if known is not None and known.ref is ref:
            _drop(known)
            # The weak reference dies before the finaliser hook runs, which decides how it ended.
            ended[ref.key] = known
    except Exception:  # interpreter shutdown
        pass


def _drop(known):
    known_generators.pop(known.key, None)
    same = by_code.get(id(known.code))
    if same is not None:
        same.discard(known.key)
        if not same:
            by_code.pop(id(known.code), None)


def _tell_new(known):
    if not known.told:
        known.told = True
        core.emit(w.OP_GEN_NEW, known.key, known.task, core.string_id(known.name), known.stack)


def _tell_end(known):
    if known.told and not known.final:
        core.emit(w.OP_GEN_END, known.key)


def _first(agen):
    """The generator is iterated for the first time. About 1.5 us."""
    try:
        key = id(agen)
        if finalised:
            finalised.pop(key, None)
        if ended:
            earlier = ended.pop(key, None)
            if earlier is not None:
                _tell_end(earlier)
        if len(known_generators) >= _MAX_TRACKED:
            return
        code = agen.ag_code
        caller = sys._getframe(2)
        caller_code = caller.f_code
        known_caller = _callers.get(id(caller_code))
        if known_caller is not None and known_caller[0] is caller_code:
            exempt = known_caller[1]
            if exempt is None:
                exempt = _is_exempt(caller)
        else:
            exempt = _classify(caller)
        level = core.state.level
        stack = 0 if exempt or not level else core.stack_id(caller, intern.RARE_DEPTHS[level])
        ref = _Ref(agen, _gone)
        ref.key = key
        known = Known(key, ref, code, agen.__qualname__, core.current_task_id(), stack, exempt)
        known_generators[key] = known
        same = by_code.get(id(code))
        if same is None:
            by_code[id(code)] = {key}
        else:
            same.add(key)
        if not exempt:
            _tell_new(known)
    except AttributeError:
        return  # not a Python generator
    except Exception as error:
        core.fail(HOOK, error)


#: id(code of who iterates) -> (code, exempt: True, False, or None when its callers decide)
_callers = {}


def _classify(frame):
    """Is the generator that `frame` iterates exempt? Remembered by the frame's code where its callers do not matter."""
    code = frame.f_code
    name = code.co_filename
    if len(_callers) > 2000:
        _callers.clear()
    decided = None
    if (
        code.co_flags & _COROUTINE
        and not name.startswith(locks.directories)
        and not name.endswith("contextlib.py")
        and "fixture" not in code.co_name.lower()
        and "pytest" not in name
    ):
        decided = False
    _callers[id(code)] = (code, decided)
    return _is_exempt(frame) if decided is None else decided


def _is_exempt(frame):
    """Does a context manager or a test fixture run this generator?"""
    for depth in range(6):
        if frame is None:
            return False
        code = frame.f_code
        path = code.co_filename
        name = os.path.basename(path)
        if name == "contextlib.py" and code.co_name in ("__aenter__", "__aexit__", "enter_async_context"):
            return True
        if "fixture" in code.co_name.lower() or name in ("pytest_plugin.py", "python_fixtures.py", "fixtures.py"):
            return True
        if "pytest" in os.path.basename(os.path.dirname(path)):
            return True
        if depth and code.co_flags & _COROUTINE and not path.startswith(locks.directories):
            return False  # the program's own coroutine iterates it
        frame = frame.f_back
    return False


@core.hook(HOOK)
def _final(generator):
    """The collector finalises a generator that was not finished."""
    _finalised(generator, COLLECTOR)


@core.hook(HOOK)
def _shutdown(loop):
    """The loop closes the generators that are still open."""
    for generator in list(loop._asyncgens):
        _shutdown_one(generator)


@core.hook(HOOK)
def _shutdown_one(generator):
    if getattr(generator, "ag_frame", None) is not None:
        known = known_generators.get(id(generator))
        if known is None or not known.final:
            _finalised(generator, SHUTDOWN)


def _finalised(generator, how):
    key = id(generator)
    code = generator.ag_code
    if finalised.get(key) is code:
        return
    if len(finalised) > 1000:
        finalised.clear()
    finalised[key] = code
    known = ended.pop(key, None) or known_generators.get(key)
    frame = getattr(generator, "ag_frame", None)
    if frame is None:
        return
    if known is None or known.code is not generator.ag_code:
        known = Known(key, None, generator.ag_code, generator.__qualname__, 0, 0, False)
    if known.final:
        return
    _tell_new(known)
    known.final = how
    stack = intern.frames_id((frame.f_code,), (frame.f_lasti,), False)
    core.emit(w.OP_GEN_FINAL, key, core.current_task_id(), how, stack)


# --- scopes that generators enter (called by the scope hooks) ---------------------------------------------------------


def scope_entered(scope, frame):
    """A scope (by address) was entered; `frame` is whoever entered it. Quick when no generator is involved."""
    if not by_code:
        return
    for _ in range(16):
        if frame is None:
            return
        code = frame.f_code
        flags = code.co_flags
        if flags & _ASYNC_GENERATOR:
            known = _generator_of(frame)
            if known is None:
                return
            if not known.exempt:
                known.scopes.append(scope)
                scoped[scope] = known.key
                return
        elif flags & _COROUTINE and not _passes(code):
            return
        frame = frame.f_back


def _passes(code):
    """Library frames between a generator and the scope it enters (`__aenter__` of a group, contextlib)."""
    name = code.co_filename
    return name.startswith(locks.directories) or name.endswith("contextlib.py") or name[:1] == "<"


def _generator_of(frame):
    for key in list(by_code.get(id(frame.f_code), ())):
        known = known_generators.get(key)
        generator = known.ref() if known is not None else None
        if generator is not None and generator.ag_frame is frame:
            return known
    return None


def scope_left(scope):
    """That scope was left, wherever."""
    key = scoped.pop(scope, None)
    if key is not None:
        known = known_generators.get(key)
        if known is not None and scope in known.scopes:
            known.scopes.remove(scope)


def in_finaliser(frame):
    """Is this an async generator's body, run to its end by the hooks that trio gives to the interpreter?"""
    generator = False
    for _ in range(16):
        if frame is None:
            return False
        code = frame.f_code
        if code.co_flags & 0x200:  # CO_ASYNC_GENERATOR
            generator = True
        elif code.co_name == "_finalize_one" and code.co_filename.endswith("_asyncgens.py"):
            return generator
        frame = frame.f_back
    return False


def owned_scopes(generator):
    """Addresses of the scopes that the generator (by address) entered and did not leave."""
    known = known_generators.get(generator) or ended.get(generator)
    return list(known.scopes) if known is not None else []


# --- on the probe's thread --------------------------------------------------------------------------------------------


def _tick():
    for key in set(scoped.values()):
        known = known_generators.get(key)
        generator = known.ref() if known is not None else None
        if generator is None:
            continue
        frame = generator.ag_frame
        if frame is None or generator.ag_running or generator.ag_await is not None:
            continue
        for scope in list(known.scopes):
            if scope not in known.reported:
                known.reported.add(scope)
                _tell_new(known)
                stack = intern.frames_id((frame.f_code,), (frame.f_lasti,), False)
                core.emit(w.OP_GEN_YIELD_IN_SCOPE, key, known.task, scope, stack)
    for key in list(ended):
        known = ended.pop(key, None)
        if known is not None:
            for scope in known.scopes:
                scoped.pop(scope, None)
            _tell_end(known)


def _sync():
    for known in list(known_generators.values()):
        if known.told:
            known.told = False
            _tell_new(known)
            known.reported.clear()


def _forget():
    for known in list(known_generators.values()):
        known.stack = 0


# --- installation -----------------------------------------------------------------------------------------------------

AH.first, AH.final, AH.shutdown, AH.shutdown_one = _first, _final, _shutdown, _shutdown_one


def _install_asyncio(module):
    base = sys.modules["asyncio.base_events"].BaseEventLoop
    splice.apply(HOOK, base._asyncgen_firstiter_hook, splice.prepend("AH.first(agen)", AH))
    splice.apply(HOOK, base._asyncgen_finalizer_hook, splice.prepend("AH.final(agen)", AH))
    splice.apply(HOOK, base.shutdown_asyncgens, splice.prepend("AH.shutdown(self)", AH))


def _install_uvloop(module):
    loop = module.Loop
    for name, hook in (("_asyncgen_firstiter_hook", _first), ("_asyncgen_finalizer_hook", _final)):
        original = getattr(loop, name, None)
        if original is None:
            core.missing(HOOK, "uvloop.Loop.%s is not there" % name)
            return
        core.patch(loop, name, _chain(hook, original), HOOK)


def _chain(hook, original):
    def hooked(self, agen):
        hook(agen)
        return original(self, agen)

    return hooked


def _install_trio(module):
    generators = module.AsyncGenerators
    splice.apply(
        HOOK,
        generators.install_hooks,
        splice.inside("firstiter", "AH.first(agen)", AH),
        splice.inside("finalizer", "AH.final(agen)", AH),
    )
    splice.apply(HOOK, generators._finalize_one, splice.prepend("AH.shutdown_one(agen)", AH))


def install(options):
    """Hook asyncio, uvloop and trio, now or once they are imported."""
    core.on_import("asyncio", _install_asyncio)
    core.on_import("uvloop", _install_uvloop)
    core.on_import("trio._core._asyncgens", _install_trio)
    core.on_tick(_tick)
    core.on_sync(_sync)
    core.on_start(_forget)
