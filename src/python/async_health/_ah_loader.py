"""Installs the probe from source text that came over the debugger's connection; nothing is read from or written to disk.

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

Modules are compiled when first imported, under the file name `<async_health>/NAME.py` whose base name is registered with
pydevd, so that their frames are neither shown nor stepped into.
"""

import sys

PACKAGE = "async_health"


class ProbeLoader:
    """Finder and loader of `async_health.*` from source text."""

    def __init__(self, sources):
        self.sources = sources

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
        exec(compile(self.sources[source], self.file_name(source), "exec", dont_inherit=True), module.__dict__)

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
        loader = ProbeLoader(data["modules"])
        hide_from_debugger(data["modules"])
        # A program's own installed copy of the package must not mix with this one.
        for name in [name for name in sys.modules if name == PACKAGE or name.startswith(PACKAGE + ".")]:
            del sys.modules[name]
        sys.meta_path.insert(0, loader)
        import importlib

        boot = importlib.import_module(PACKAGE + "._ah_boot")
    return boot.start(options)


if "PAYLOAD" in globals():
    load(globals()["PAYLOAD"])
