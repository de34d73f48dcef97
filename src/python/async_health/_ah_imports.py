"""Being told when a module has been imported, without importing anything.

A finder at the head of `sys.meta_path` recognises the few watched names, asks the finders behind it, and has the
module's own loader call back after `exec_module`. All other imports pay two dictionary look-ups.
"""

import sys

_watched = {}
_ahead = {}

#: This runs between importlib and the module's body. Its file and function name are those that CPython itself cuts out
#: of tracebacks, so an error inside a watched module looks as it does without us.
_PASS_THROUGH = compile(
    "def _call_with_frames_removed(restore, exec_module, module, done):\n"
    " restore(module)\n exec_module(module)\n done(module)\n",
    "<frozen importlib._bootstrap_external>",
    "exec",
)
_scope = {}
exec(_PASS_THROUGH, _scope)
_pass_through = _scope["_call_with_frames_removed"]


def on_import(name, callback):
    """Call `callback(module)` once module `name` is imported: now if it already is, else when its import finishes.

    The callback runs in the importing thread and must not raise; if it does, it is reported as a removed hook.
    """
    module = sys.modules.get(name)
    if module is not None and not _is_initialising(module):
        _run(name, module, callback)
        return
    _watched.setdefault(name, []).append(callback)
    _be_asked()


def before_import(name, callback):
    """Call `callback()` once module `name` is looked for: now if it is there, else just before its import. As `on_import`."""
    if name in sys.modules:
        _run(name, None, lambda _module: callback())
        return
    _ahead.setdefault(name, []).append(callback)
    _be_asked()


def _be_asked():
    if finder not in sys.meta_path:
        sys.meta_path.insert(0, finder)


def _run_ahead(name):
    for callback in _ahead.pop(name, ()):
        _run(name, None, lambda _module, callback=callback: callback())


def _is_initialising(module):
    spec = getattr(module, "__spec__", None)
    return bool(getattr(spec, "_initializing", False))


def _run(name, module, callback):
    try:
        callback(module)
    except Exception as error:
        from . import _ah_core

        _ah_core.fail("import:%s:%s" % (name, (getattr(callback, "__module__", None) or "").rpartition(".")[2]), error)


def _done(module):
    name = module.__name__
    callbacks = _watched.pop(name, ())
    for callback in callbacks:
        _run(name, sys.modules.get(name, module), callback)


def poll():
    """Catch watched modules whose import went round the finder (it was half done when the probe came). Cheap; each tick."""
    for name in [name for name in list(_ahead) if name in sys.modules]:
        _run_ahead(name)
    if _watched:
        for name in [name for name in list(_watched) if name in sys.modules]:
            module = sys.modules.get(name)
            if module is not None and not _is_initialising(module):
                for callback in _watched.pop(name, ()):
                    _run(name, module, callback)


class _Finder:
    """Finds nothing itself."""

    def find_spec(self, name, path=None, target=None):
        if name in _ahead:
            _run_ahead(name)
        if name not in _watched:
            return None
        for other in list(sys.meta_path):
            if other is self or not hasattr(other, "find_spec"):
                continue
            spec = other.find_spec(name, path, target)
            if spec is not None:
                break
        else:
            return None
        loader = spec.loader
        exec_module = getattr(loader, "exec_module", None)
        if exec_module is not None:
            _arm(spec, loader, exec_module)
        return spec


def _arm(spec, loader, exec_module):
    if isinstance(loader, type):  # built-in and frozen modules: a class, shared by all modules
        spec.loader = _Once(spec, loader)
        return

    def restore(module):
        try:
            del loader.exec_module
        except AttributeError:
            pass

    def armed(module):
        return _pass_through(restore, exec_module, module, _done)

    armed.__code__ = armed.__code__.replace(
        co_filename="<frozen importlib._bootstrap_external>", co_name="_call_with_frames_removed"
    )
    try:
        loader.exec_module = armed
    except AttributeError:
        spec.loader = _Once(spec, loader)


class _Once:
    """Stands in for a loader that takes no attributes, until the module's body runs."""

    def __init__(self, spec, loader):
        self.spec = spec
        self.loader = loader

    def create_module(self, spec):
        return self.loader.create_module(spec)

    def exec_module(self, module):
        self.spec.loader = module.__loader__ = self.loader
        _pass_through(lambda _module: None, self.loader.exec_module, module, _done)

    def __getattr__(self, name):
        return getattr(self.loader, name)


finder = _Finder()
