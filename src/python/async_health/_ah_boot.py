"""Entry of the probe: `start(options)` installs the hooks and starts the probe's thread.

Options (JSON object or dict): `detail` ('light' | 'standard' | 'full'), `tickMs`, `thresholds` (settings.ts), `sink`
('pydevd' default, 'file:PATH', or a callable in tests), `features` (names of feature modules, for benchmarks).
A second start in the same process (an adapter attaches again) keeps the hooks and begins a new life of the stream.
"""

import atexit
import functools
import importlib
import json
import os
import sys
import time

from . import _ah_channel as channel
from . import _ah_core as core
from . import _ah_ending, _ah_intern, _ah_pack, _ah_sinks

#: Feature modules in order of installation; each has `install(options)`. One that is absent or fails costs only itself.
FEATURES = [
    "_ah_system",
    "_ah_loop",
    "_ah_tasks",
    "_ah_scopes",
    "_ah_sample",
    "_ah_loop_steps",
    "_ah_locks",
    "_ah_sessions",
    "_ah_trio",
    "_ah_reach",
    "_ah_generators",
    "_ah_exceptions",
    "_ah_api",
    "_ah_frames",
]
#: Features of one library, which is rarely there: loaded just before it is, since compiling them costs 5 ms.
_LIBRARIES = {"_ah_trio": "trio"}

_installed = set()
_at_exit = False


def start(options=None):
    """Start the probe (or hand it to a new listener). Returns a dict `{pid, python, again}` for the caller's log."""
    if isinstance(options, str):
        options = json.loads(options)
    options = dict(options or {})
    state = core.state
    again = state.started and state.pid == os.getpid()
    if state.pid != os.getpid():  # forked without Python's own fork hooks
        channel.after_fork_in_child()
    sink = _ah_sinks.make_sink(options.get("sink"), channel.stop)
    state.options = options
    state.tick_s = max(0.01, float(options.get("tickMs") or 100) / 1000.0)
    if not state.started:
        state.t0 = core.now()
        state.epoch_ms = time.time() * 1000.0
        state.started = True
    if options.get("detail"):
        core.set_detail(options["detail"])
    _ah_pack.clear()
    core.notes.clear()
    _ah_intern.forget()
    channel.set_sink(sink)
    for callback in tuple(core.start_callbacks):
        callback()
    _install_features(options)
    _register_exit()
    channel.start_thread()
    return {"pid": state.pid, "python": sys.version.split()[0], "again": again}


def _install_features(options):
    for name in options.get("features") or FEATURES:
        if name in _LIBRARIES:
            core.before_import(_LIBRARIES[name], functools.partial(_install_feature, name, options))
        else:
            _install_feature(name, options)


def _install_feature(name, options):
    if name in _installed:
        return
    full = "%s.%s" % (__name__.rpartition(".")[0], name)
    try:
        module = importlib.import_module(full)
    except ImportError as error:
        if getattr(error, "name", None) != full:
            core.missing(name, core._describe(error))
        return
    except Exception as error:
        core.missing(name, core._describe(error))
        return
    try:
        _installed.add(name)
        module.install(options)
    except Exception as error:
        core.fail("install:" + name, error)


_later = []


def later(function):
    """Run `function` once on the probe's thread, when the program has got going (2 s after the start), or else at exit."""
    due = time.monotonic() + 2.0

    def when_due():
        if time.monotonic() >= due:
            core.poll_callbacks.remove(when_due)
            _run_later(function)

    _later.append(function)
    core.poll_callbacks.append(when_due)


def _run_later(function):
    if function in _later:
        _later.remove(function)
        function()


def _register_exit():
    global _at_exit
    if _at_exit:
        return
    _at_exit = True
    # Registered after the debugger's own exit function, so it runs before the connection is closed.
    atexit.register(_exit)
    _ah_ending.before_exit(channel.stop_and_drain, channel.flush_and_drain)
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_forked)


def _exit():
    try:
        if core.state.started and core.state.pid == os.getpid():
            channel.stop()
            for function in tuple(_later):
                _run_later(function)
    except Exception:
        pass


def _forked():
    try:
        if not core.state.started:
            return
        if channel.after_fork_in_child():
            core.state.started = True
            for callback in tuple(core.start_callbacks):
                callback()
            channel.start_thread()
    except Exception:
        pass
