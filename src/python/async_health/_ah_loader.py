"""Installs the probe from source text that came over the debugger's connection; nothing needs to be installed there.

What the adapter evaluates (one expression, no frameId)
-------------------------------------------------------
    (lambda space: exec(L, space) or space.get("RESULT"))({"PAYLOAD": P})

- `L`: a Python string literal: the source text of this file.
- `P`: a Python string literal: JSON text of `{"digest": text, "modules": {name: source}, "options": {...}}`, where `name` is a
  base name without `.py` of every file in dist/python/async_health (`__init__`, `_ah_boot`, ..., `_ah_loader` may be left
  out), `options` are those of `_ah_boot.start`, and `digest` is another one for each other set of modules.

First it comes without `modules`, which are most of it: 0.7 MB that three processes read and write. The answer "sources" asks
for them; it comes when neither the program nor the cache has the probe. The other answer is "started".

`JSON.stringify` of a string is a valid Python string literal, see `loaderExpression` in TypeScript. An exception surfaces as
the evaluate request's failure. Evaluating it again in a process that has the probe (attach again) gives the probe a new
listener; the modules that are there stay. To talk to a probe use `__import__('sys').modules['async_health']._rpc('<json>')`.

Compiling costs about 40 ms of CPU, and as much goes into the functions that the probe edits, so both are kept as bytecode in
the user's cache folder (`async-health/probe-*.bin`, see `CodeCache`); the option `cache: false`, PYTHONDONTWRITEBYTECODE or a
folder that is not the user's own turn that off.

Modules are compiled when first imported, under the file name `<async_health>/NAME.py` whose base name is registered with
pydevd, so that their frames are neither shown nor stepped into.
"""

import sys

PACKAGE = "async_health"


class CodeCache:
    """Bytecode between processes, of the probe's modules and of the code it edits: one file per interpreter and set of sources.

    It is read only when it belongs to this user and nobody else may write it. Written some time after something new came in,
    by the probe's thread, or at exit (`save`). A file has all modules, those too that were not imported: so it can stand for
    the sources.
    """

    def __init__(self, digest, enabled):
        #: Name of a module -> its marshalled code.
        self.codes = {}
        #: Name -> code that was compiled in this process.
        self.fresh = {}
        #: `_ah_edited.Request.key` -> marshalled code and what it belongs to.
        self.edited = {}
        #: Is there something to be written?
        self.changed = False
        #: Runs a function some time later (`_ah_boot.later`).
        self.later = None
        #: `compile(name)` for what was not imported yet; None when the code came from the file.
        self.compile = None
        self.path = None
        if not enabled:
            return
        try:
            self.path = self._path(digest)
            self._read()
        except Exception:  # no home, no such folder, damaged file: compile
            self.codes, self.edited = {}, {}

    def _path(self, digest):
        import os

        if sys.platform == "win32":
            base = os.environ.get("LOCALAPPDATA")
        elif sys.platform == "darwin":
            base = os.path.expanduser("~/Library/Caches")
        else:
            base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
        if not base or not os.path.isabs(base):
            return None
        version = _digest(("%s\0%s" % (digest, sys.version)).encode("utf-8")).hex()
        name = "probe-%s-%s.bin" % (sys.implementation.cache_tag, version)
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

    def code(self, name):
        """The code of a module, or None."""
        import marshal

        data = self.codes.get(name)
        return None if data is None else marshal.loads(data)

    def keep(self, name, code):
        """Take in a module's code."""
        self.fresh[name] = code
        self.changed = True

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
        """Write what is new, quietly nothing when that cannot be done."""
        import marshal
        import os

        if self.path is None or not self.changed or sys.dont_write_bytecode:
            return
        self.changed = False
        if self.compile is not None:
            self.compile()
        for name, code in list(self.fresh.items()):
            self.codes[name] = marshal.dumps(code)
            del self.fresh[name]
        # Copies: another thread may be importing.
        data = marshal.dumps((self.codes.copy(), self.edited.copy()))
        temporary = "%s.%d" % (self.path, os.getpid())
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
    """Finder and loader of `async_health.*`, from source text or, where that did not come along, from the cache alone."""

    def __init__(self, sources, cache):
        self.sources = sources
        self.cache = cache
        self.names = frozenset(sources or cache.codes)
        if sources:
            cache.compile = self.compile_all

    def _source_name(self, name):
        if name == PACKAGE:
            return "__init__"
        if name.startswith(PACKAGE + "."):
            return name[len(PACKAGE) + 1 :]
        return None

    def find_spec(self, name, path=None, target=None):
        source = self._source_name(name)
        if source is None or source not in self.names:
            return None
        from importlib.machinery import ModuleSpec

        return ModuleSpec(name, self, origin=self.file_name(source), is_package=source == "__init__")

    def file_name(self, source):
        return "<%s>/%s.py" % (PACKAGE, source)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        exec(self._code(self._source_name(module.__name__)), module.__dict__)

    def _code(self, name):
        code = self.cache.code(name)
        if code is None:
            code = compile(self.sources[name], self.file_name(name), "exec", dont_inherit=True)
            self.cache.keep(name, code)
        return code

    def compile_all(self):
        """Compile what nobody has imported."""
        for name in self.names:
            if name not in self.cache.codes and name not in self.cache.fresh:
                self._code(name)

    def get_source(self, name):
        source = self._source_name(name)
        return self.sources.get(source) if source is not None and self.sources else None


def hide_from_debugger(names):
    """Have pydevd treat our files as its own."""
    table = sys.modules.get("_pydevd_bundle.pydevd_dont_trace_files") or sys.modules.get("pydevd_dont_trace_files")
    if table is not None:
        for name in names:
            # `__init__.py` would hide every package's; ours has no frames that matter.
            if name != "__init__":
                table.DONT_TRACE[name + ".py"] = table.PYDEV_FILE


def answer_at_once():
    """debugpy writes header and body apart; without this each answer waits 40 ms for the peer's delayed ACK."""
    try:
        import socket

        py_db = sys.modules["_pydevd_bundle.pydevd_constants"].get_global_debugger()
        py_db.writer.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except Exception:  # no debugger, or another transport
        pass


def load(payload):
    """Install the modules (unless they are there) and start the probe; "started", or "sources" when these have to come along."""
    import json

    answer_at_once()
    data = json.loads(payload)
    options = data.get("options") or {}
    boot = sys.modules.get(PACKAGE + "._ah_boot")
    if boot is not None:
        boot.start(options)
        return "started"
    sources = data.get("modules")
    cache = CodeCache(data["digest"], options.get("cache", True))
    if not sources and not cache.codes:
        return "sources"
    loader = ProbeLoader(sources, cache)
    hide_from_debugger(loader.names)
    # A program's own installed copy of the package must not mix with this one.
    for name in [name for name in sys.modules if name == PACKAGE or name.startswith(PACKAGE + ".")]:
        del sys.modules[name]
    sys.meta_path.insert(0, loader)
    import importlib

    boot = importlib.import_module(PACKAGE + "._ah_boot")
    cache.later = boot.later
    importlib.import_module(PACKAGE + "._ah_edited").store = cache
    boot.start(options)
    boot.later(cache.save)
    return "started"


if "PAYLOAD" in globals():
    RESULT = load(globals()["PAYLOAD"])
