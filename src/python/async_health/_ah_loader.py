"""Installs the probe from source text that came over the debugger's connection; nothing needs to be installed there.

What the adapter evaluates (one expression, no frameId)
-------------------------------------------------------
    exec(L, {"PAYLOAD": P})

- `L`: a Python string literal: the source text of this file.
- `P`: a Python string literal: JSON text of `{"modules": {name: source}, "options": {...}}`, where `name` is a base name
  without `.py` of every file in dist/python/async_health (`__init__`, `_ah_boot`, ..., `_ah_loader` may be left out)
  and `options` are those of `_ah_boot.start`.

`JSON.stringify` of a string is a valid Python string literal, so in TypeScript:

    const lit = JSON.stringify;
    const expression = `exec(${lit(modules._ah_loader)}, {"PAYLOAD": ${lit(lit({ modules, options }))}})`;

The expression evaluates to None; success shows by the first batch (with `hello`). An exception surfaces as the evaluate
request's failure. Evaluating it again in a process that has the probe (attach again) gives the probe a new listener; the
modules that are there stay. To talk to a probe use `__import__('sys').modules['async_health']._rpc('<json>')`.

Compiling costs about 40 ms of CPU, and as much goes into the functions that the probe edits, so both are kept as bytecode in
the user's cache folder (`async-health/probe-*.bin`, see `CodeCache`); the option `cache: false`, PYTHONDONTWRITEBYTECODE or a folder that is not the user's own turn that off.

Modules are compiled when first imported, under the file name `<async_health>/NAME.py` whose base name is registered with
pydevd, so that their frames are neither shown nor stepped into.
"""

import sys

PACKAGE = "async_health"


class CodeCache:
    """Bytecode between processes, of the probe's modules and of the code it edits: one file per interpreter and set of sources.

    It is read only when it belongs to this user and nobody else may write it. Written some time after something new came in,
    by the probe's thread, or at exit (`save`).
    """

    def __init__(self, sources, enabled):
        #: Name of a module -> its code.
        self.codes = {}
        #: `_ah_edited.Request.key` -> marshalled code and what it belongs to; most is never looked at, so not unpacked here.
        self.edited = {}
        #: Runs a function some time later (`_ah_boot.later`).
        self.later = None
        self.changed = False
        self.path = None
        if not enabled:
            return
        try:
            self.path = self._path(sources)
            self._read()
        except Exception:  # no home, no such folder, damaged file: compile
            self.codes, self.edited = {}, {}

    def _path(self, sources):
        import os

        if sys.platform == "win32":
            base = os.environ.get("LOCALAPPDATA")
        elif sys.platform == "darwin":
            base = os.path.expanduser("~/Library/Caches")
        else:
            base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        if not base or not os.path.isabs(base):
            return None
        text = "\0".join("%s\0%s" % item for item in sorted(sources.items())) + sys.version
        name = "probe-%s-%s.bin" % (sys.implementation.cache_tag, _digest(text.encode("utf-8")).hex())
        return os.path.join(base, PACKAGE.replace("_", "-"), name)

    def _read(self):
        import marshal
        import os

        if self.path is None or not os.path.exists(self.path):
            return
        with open(self.path, "rb") as file:
            for status in (os.fstat(file.fileno()), os.stat(os.path.dirname(self.path))):
                if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o022):
                    self.path = None
                    return
            data = file.read()
        # What unmarshals is run, so it must be what was written.
        if _digest(data[8:]) == data[:8]:
            self.codes, self.edited = marshal.loads(data[8:])

    def keep_edited(self, key, data, limit):
        """Take in an edited function's code; of more than `limit` the oldest go."""
        self.edited.pop(key, None)
        while len(self.edited) >= limit:
            del self.edited[next(iter(self.edited))]
        self.edited[key] = data
        if not self.changed:
            self.changed = True
            if self.later is not None:
                self.later(self.save)

    def save(self):
        """Write what was compiled anew; quietly nothing when that cannot be done."""
        import marshal
        import os

        if self.path is None or not self.changed or sys.dont_write_bytecode:
            return
        self.changed = False
        temporary = "%s.%d" % (self.path, os.getpid())
        # Copies: another thread may be importing.
        data = marshal.dumps((self.codes.copy(), self.edited.copy()))
        try:
            folder = os.path.dirname(self.path)
            os.makedirs(folder, mode=0o700, exist_ok=True)
            with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(_digest(data) + data)
            os.replace(temporary, self.path)
            # Former versions' files: keep the few newest.
            kept = sorted(
                (entry for entry in os.scandir(folder) if entry.name.startswith("probe-")),
                key=lambda entry: entry.stat().st_mtime,
                reverse=True,
            )
            for entry in kept[16:]:
                os.remove(entry.path)
        except OSError:
            pass


def _digest(data):
    """8 bytes."""
    from importlib.util import source_hash

    return source_hash(data)


class ProbeLoader:
    """Finder and loader of `async_health.*` from source text."""

    def __init__(self, sources, cache=None):
        self.sources = sources
        self.cache = cache

    def _source_name(self, name):
        if name == PACKAGE:
            return "__init__"
        if name.startswith(PACKAGE + "."):
            return name[len(PACKAGE) + 1 :]
        return None

    def find_spec(self, name, path=None, target=None):
        source = self._source_name(name)
        if source is None or source not in self.sources:
            return None
        from importlib.machinery import ModuleSpec

        return ModuleSpec(name, self, origin=self.file_name(source), is_package=source == "__init__")

    def file_name(self, source):
        return "<%s>/%s.py" % (PACKAGE, source)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        source = self._source_name(module.__name__)
        code = self.cache.codes.get(source) if self.cache is not None else None
        if code is None:
            code = compile(self.sources[source], self.file_name(source), "exec", dont_inherit=True)
            if self.cache is not None:
                self.cache.codes[source] = code
                self.cache.changed = True
        exec(code, module.__dict__)

    def get_source(self, name):
        source = self._source_name(name)
        return self.sources.get(source) if source is not None else None


def hide_from_debugger(names):
    """Have pydevd treat our files as its own."""
    table = sys.modules.get("_pydevd_bundle.pydevd_dont_trace_files") or sys.modules.get("pydevd_dont_trace_files")
    if table is not None:
        for name in names:
            # `__init__.py` would hide every package's; ours has no frames that matter.
            if name != "__init__":
                table.DONT_TRACE[name + ".py"] = table.PYDEV_FILE


def load(payload):
    """Install the modules (unless they are there) and start the probe."""
    import json

    data = json.loads(payload)
    options = data.get("options") or {}
    boot = sys.modules.get(PACKAGE + "._ah_boot")
    if boot is None:
        cache = CodeCache(data["modules"], options.get("cache", True))
        loader = ProbeLoader(data["modules"], cache)
        hide_from_debugger(data["modules"])
        # A program's own installed copy of the package must not mix with this one.
        for name in [name for name in sys.modules if name == PACKAGE or name.startswith(PACKAGE + ".")]:
            del sys.modules[name]
        sys.meta_path.insert(0, loader)
        import importlib

        boot = importlib.import_module(PACKAGE + "._ah_boot")
        cache.later = boot.later
        importlib.import_module(PACKAGE + "._ah_edited").store = cache
        started = boot.start(options)
        boot.later(cache.save)
        return started
    return boot.start(options)


if "PAYLOAD" in globals():
    load(globals()["PAYLOAD"])
