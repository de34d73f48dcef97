"""The heart of the probe: one flat buffer of numbers, notes, hooks, and the registries that feature modules use.

A feature module (`_ah_tasks`, `_ah_locks`, ...) is imported by `_ah_boot` and has `install(options)`. It uses from here:

- `emit(op, obj, task, aux, stack)`; hot paths inline `extend((op, now(), obj, task, aux, stack))`. All six are numbers: nothing
  of the user's is kept alive and nothing the cyclic collector tracks survives. An append is atomic, without the GIL as well.
- `now()`: raw nanoseconds of `time.perf_counter_ns`, the clock of the rows' `t` column. The sender rebases that column to
  the probe's start; a time that travels in another column must go through `since_start(t)` by its producer.
- `string_id`, `code_id`, `stack_id`, `chain_id`: interned definitions, see `_ah_intern`.
- `note(dict)`: a rare, rich event (`ProbeNote` in wire.ts), in order with the rows.
- `hook(name)`, `fail(name)`, `patch(...)`: observation that can never hurt the program, see `Hook`.
- `on_import`, `before_import`, `on_tick`, `on_sync`, `on_detail`, `rpc`, `ask_adapter`, `on_violation`, `current_task`, `detail`, `is_live`.

Standard library only, CPython 3.8 and later. Nothing here imports asyncio.
"""

import itertools
import os
import sys
import threading
import time

from . import _ah_wire as wire
from ._ah_imports import before_import, on_import  # noqa: F401  (part of this module's interface)
from ._ah_intern import (  # noqa: F401
    chain_id,
    code_id,
    frames_id,
    set_stack_boundary,
    stack_id,
    string_id,
)

now = time.perf_counter_ns

#: Rows, flat. The list object stays the same for the life of the process, so `extend` may be bound once.
buf = []
extend = buf.extend

#: Notes by number, until sent; a NOTE row's aux is the number.
notes = {}
_NOTES_MAX = 2000
_next_note = itertools.count(1).__next__

#: Seconds between two looks at whether a loop is blocked.
POLL_S = 0.025

LIGHT, STANDARD, FULL = 0, 1, 2
LEVELS = {"light": LIGHT, "standard": STANDARD, "full": FULL}


class State:
    """What changes while the probe lives; one instance, `state`."""

    def __init__(self):
        #: Is the probe started in this process?
        self.started = False
        #: Is anybody listening?
        self.live = False
        self.pid = os.getpid()
        #: Raw clock and wall clock at the probe's t = 0.
        self.t0 = now()
        self.epoch_ms = time.time() * 1000.0
        self.level = STANDARD
        self.detail = "standard"
        self.tick_s = 0.1
        #: Seconds between two polls: `POLL_S`, or more while the loops show that they are not blocked.
        self.poll_s = POLL_S
        self.options = {}
        #: Lost to full buffers since start.
        self.dropped_rows = 0
        self.dropped_stacks = 0
        self.dropped_notes = 0
        #: Ident of the probe's thread, 0 while there is none.
        self.thread_ident = 0


state = State()


def threshold_ms(options, name, default):
    """`options["thresholds"][name]` in ms; `default` where it is missing, 0 or no number."""
    try:
        return float((options.get("thresholds") or {}).get(name) or default)
    except (TypeError, ValueError):
        return float(default)


def emit(op, obj=0, task=0, aux=0, stack=0):
    """Append one row (see wire.ts). About 150 ns."""
    extend((op, now(), obj, task, aux, stack))


def since_start(raw_ns):
    """A raw `now()` time as ns since the probe's start, for columns other than `t`."""
    return raw_ns - state.t0


def detail():
    """'light', 'standard' or 'full'; hot paths compare `state.level` with LIGHT, STANDARD, FULL."""
    return state.detail


def is_live():
    """True while somebody listens to the probe."""
    return state.live


def note(event):
    """Queue a rich event; `event['kind']` decides its other fields (`ProbeNote` in wire.ts)."""
    if len(notes) >= _NOTES_MAX:
        state.dropped_notes += 1
        return
    number = _next_note()
    notes[number] = event
    extend((wire.OP_NOTE, now(), 0, 0, number, 0))


# --- hooks --------------------------------------------------------------------------------------------------------


class Hook:
    """One observation point. `undo` functions take it out of the program; `fail` runs them once and says so."""

    __slots__ = ("name", "undos", "removed", "quiet_failures")

    def __init__(self, name):
        self.name = name
        self.undos = []
        self.removed = False
        #: Failures that are the program's state, not our fault (recursion or memory limit hit inside the hook).
        self.quiet_failures = 0


hooks = {}


def _hook_named(name):
    found = hooks.get(name)
    if found is None:
        found = hooks[name] = Hook(name)
    return found


def on_remove(name, undo):
    """Have `undo()` called when the hook `name` is taken out."""
    _hook_named(name).undos.append(undo)


def fail(name, error=None):
    """Called in the `except` of a hook: take the hook out of the program and say so once.

    RecursionError and MemoryError are the program's own trouble and leave the hook in place.
    """
    entry = _hook_named(name)
    if error is None:
        error = sys.exc_info()[1]
    if isinstance(error, (RecursionError, MemoryError)):
        entry.quiet_failures += 1
        return
    if entry.removed or _shutting_down():
        return
    entry.removed = True
    try:
        remove(name)
        note({"kind": "hook-removed", "hook": name, "error": _describe(error)})
    except Exception:  # the program goes on, whatever happens to us
        pass


def remove(name):
    """Take the hook `name` out of the program without a word."""
    entry = _hook_named(name)
    entry.removed = True
    while entry.undos:
        undo = entry.undos.pop()
        try:
            undo()
        except Exception:
            pass


def missing(name, why):
    """Say that a hook could not be set."""
    note({"kind": "hook-missing", "hook": name, "why": str(why)})


def hook(name):
    """Decorator for a function that observes: it never raises into the program; when it throws, the hook is removed.

    The decorated function's result is passed on (None after a failure). Costs a `try`, free on 3.11+, and one call.
    Asynchronous exceptions such as KeyboardInterrupt belong to the program and pass through.
    """
    entry = _hook_named(name)

    def decorate(function):
        def observed(*args, **kwargs):
            if entry.removed:
                return None
            try:
                return function(*args, **kwargs)
            except Exception as error:
                fail(name, error)
                return None

        observed.__name__ = function.__name__
        observed.__wrapped__ = function
        return observed

    return decorate


def patch(owner, attribute, replacement, name):
    """Set `owner.attribute = replacement`, to be undone when hook `name` is removed (if it is still ours).

    A wrapper function takes over name, qualified name, doc and module of what it replaces, and its signature through
    `__wrapped__`.
    """
    own = vars(owner) if hasattr(owner, "__dict__") else {}
    had = attribute in own
    original = own[attribute] if had else getattr(owner, attribute)
    target = getattr(original, "__func__", original)
    for key in ("__name__", "__qualname__", "__doc__", "__module__"):
        try:
            setattr(replacement, key, getattr(target, key))
        except (AttributeError, TypeError):
            pass
    try:
        replacement.__wrapped__ = target
    except (AttributeError, TypeError):
        pass
    setattr(owner, attribute, replacement)

    def undo():
        if vars(owner).get(attribute) is replacement:
            if had:
                setattr(owner, attribute, original)
            else:
                delattr(owner, attribute)

    on_remove(name, undo)
    return original


def _shutting_down():
    finalizing = getattr(sys, "is_finalizing", None) if sys is not None else None
    return finalizing is None or finalizing()


def _describe(error):
    try:
        return "%s: %s" % (type(error).__name__, error)
    except Exception:
        return type(error).__name__


# --- registries ---------------------------------------------------------------------------------------------------

poll_callbacks = []
tick_callbacks = []
sync_callbacks = []
detail_callbacks = []
violation_callbacks = []
start_callbacks = []
rpc_methods = {}


def _registry(callbacks, kind):
    def register(callback):
        """Register `callback`; one that throws is taken out and reported as a removed hook. Usable as a decorator."""
        name = "%s:%s.%s" % (kind, (callback.__module__ or "").rpartition(".")[2], callback.__name__)

        def guarded(*args):
            try:
                callback(*args)
            except Exception as error:
                fail(name, error)

        def undo():
            if guarded in callbacks:
                callbacks.remove(guarded)

        callbacks.append(guarded)
        on_remove(name, undo)
        return callback

    return register


#: `callback()` on the probe thread, each tick, before the batch is sent. Hold the GIL for less than 0.5 ms at a time.
on_tick = _registry(tick_callbacks, "tick")
#: `callback()` on the probe thread every `state.poll_s` or so: for a look at a clock, not for work.
on_poll = _registry(poll_callbacks, "poll")
#: `callback()` on the probe thread between SYNC_BEGIN and SYNC_END: emit again all that exists now.
on_sync = _registry(sync_callbacks, "sync")
#: `callback(level)` when the level of detail changes.
on_detail = _registry(detail_callbacks, "detail")
#: `callback()` when a new life begins: in a forked child, or when an adapter attaches again. Forget what was sent.
on_start = _registry(start_callbacks, "start")
#: `callback(code, frame, info)` in the offending thread at the moment of a violation. `code` is a finding's code
#: (FINDINGS), `frame` the offending user frame, `info` a dict of plain values (`message`, `scope`, `task`, ...).
on_violation = _registry(violation_callbacks, "violation")


def violation(code, frame, info):
    """Tell the violation callbacks; next to free when there are none."""
    for callback in tuple(violation_callbacks):
        callback(code, frame, info)


def rpc(method):
    """Decorator: `function(params)` answers the adapter's request `method` with something JSON can hold.

    It runs on the probe's own thread, whatever the program does; it must not import, block or touch a loop directly.
    """

    def decorate(function):
        rpc_methods[method] = function
        return function

    return decorate


def set_detail(name):
    """Switch the level of detail while running."""
    if name not in LEVELS:
        raise ValueError("detail must be one of light, standard, full, not %r" % (name,))
    state.detail = name
    state.level = LEVELS[name]
    for callback in tuple(detail_callbacks):
        callback(state.level)


_asks = {}
_ask_lock = threading.Lock()
_ask_count = 0


def ask_adapter(method, params, on_reply=None):
    """Send a `ProgramRequest`. `on_reply(result, error)` runs on the probe thread; returns False when nobody listens."""
    global _ask_count
    if not state.live:
        return False
    with _ask_lock:
        _ask_count += 1
        number = _ask_count
        if on_reply is not None:
            _asks[number] = on_reply
    message = {"type": "request", "pid": state.pid, "id": number, "method": method, "params": params}
    from . import _ah_channel

    if _ah_channel.send(message):
        return True
    _asks.pop(number, None)
    return False


@rpc("answer")
def _answer(params):
    """The adapter's answer to `ask_adapter`: `{id, result?, error?}`."""
    on_reply = _asks.pop(params.get("id"), None)
    if on_reply is not None:
        on_reply(params.get("result"), params.get("error"))
    return on_reply is not None


@rpc("setDetail")
def _set_detail(params):
    set_detail(params.get("detail"))
    return {"detail": state.detail}


@rpc("hooks")
def _hooks(params):
    """Which hooks are in place, for diagnostics."""
    return {name: "removed" if entry.removed else "active" for name, entry in sorted(hooks.items())}


# --- who runs -----------------------------------------------------------------------------------------------------


def current_task():
    """The task that runs in this thread (asyncio, or trio when that runs here), or None. `_ah_tasks` replaces the body."""
    for finder in current_task_finders:
        task = finder()
        if task is not None:
            return task
    return None


#: Functions that give the running task of this thread or None; asyncio's comes first, `_ah_trio` may append its own.
current_task_finders = []


def current_task_id():
    """Address of the running task, 0 when there is none."""
    task = current_task()
    return 0 if task is None else id(task)


def reset_after_fork():
    """In a forked child: nothing of the parent's is ours to send."""
    del buf[:]
    notes.clear()
    _asks.clear()
    state.pid = os.getpid()
    state.live = False
    state.started = False
    state.thread_ident = 0
    state.dropped_rows = state.dropped_stacks = state.dropped_notes = 0
