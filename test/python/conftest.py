"""Helpers of the probe's tests: run programs under the probe in their own process, decode what it says.

The probe hooks whole processes, so nearly all tests run a small program in a subprocess of the very interpreter that runs
pytest: `run = probe_program("source", detail=...)` gives a `Recording`.
"""

import base64
import json
import os
import subprocess
import sys
import textwrap
from array import array

import pytest

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.join(os.path.dirname(os.path.dirname(HERE)), "src", "python")
if SOURCE not in sys.path:
    sys.path.insert(0, SOURCE)

from async_health import _ah_wire as wire  # noqa: E402

NAMES = {getattr(wire, name): name[3:] for name in dir(wire) if name.startswith("OP_")}


class Row:
    """One decoded row. `name` is the op without its prefix, e.g. 'TASK_NEW'; addresses and ids are ints."""

    def __init__(self, values, recording, notes):
        self.op = int(values[0])
        self.name = NAMES.get(self.op, str(self.op))
        self.t, self.obj, self.task, self.aux = (int(value) for value in values[1:5])
        self.stack_column = int(values[5])
        self._recording = recording
        self.note = notes[self.aux] if self.op == wire.OP_NOTE else None

    @property
    def stack(self):
        """[(file base name, function, line)], innermost first; a cut is ('', '...', 0)."""
        return self._recording.stack(self.stack_column)

    @property
    def text(self):
        """aux as a string id."""
        return self._recording.strings.get(self.aux)

    @property
    def task_text(self):
        """task column as a string id (TASK_END's exception)."""
        return self._recording.strings.get(self.task)

    def __repr__(self):
        return "%s(t=%.3fms obj=%x task=%x aux=%x stack=%r)" % (
            self.name, self.t / 1e6, self.obj, self.task, self.aux & (2**64 - 1), self.stack_column,
        )  # fmt: skip


class Recording:
    """All that one probe said. `rows` in order; `named(op)` picks; ids are resolved through `strings` and `stack()`."""

    def __init__(self, messages, stdout="", stderr="", returncode=0):
        self.messages = messages
        self.stdout = stdout
        self.stderr = stderr
        self.returncode = returncode
        self.strings = {0: ""}
        self.frames = {}
        self.stacks = {0: []}
        self.rows = []
        self.notes = []
        self.batches = [message for message in messages if message["type"] == "batch"]
        self.replies = {message["id"]: message for message in messages if message["type"] == "reply"}
        for batch in self.batches:
            self._take(batch)

    def _take(self, batch):
        definitions = batch.get("defs", {})
        self.strings.update((number, text) for number, text in definitions.get("strings", ()))
        for number, file, func, line in definitions.get("frames", ()):
            self.frames[number] = (os.path.basename(self.strings[file]), self.strings[func], line)
        for number, *frames in definitions.get("stacks", ()):
            self.stacks[number] = [self.frames[frame] if frame else ("", "...", 0) for frame in frames]
        notes = batch.get("notes", [])
        self.notes.extend(notes)
        values = array("q")
        values.frombytes(base64.b64decode(batch.get("rows", "")))
        if sys.byteorder != "little":
            values.byteswap()
        assert len(values) % wire.ROW_WIDTH == 0
        for at in range(0, len(values), wire.ROW_WIDTH):
            values[at + 1] -= batch.get("base", 0)
            self.rows.append(Row(values[at : at + wire.ROW_WIDTH], self, notes))

    def stack(self, number):
        return self.stacks[number]

    def named(self, *names, **columns):
        """Rows of the given op names whose columns have the given values: named('TASK_END', obj=5)."""
        return [
            row
            for row in self.rows
            if row.name in names and all(getattr(row, column) == value for column, value in columns.items())
        ]

    def notes_of(self, kind):
        return [note for note in self.notes if note["kind"] == kind]

    def task_named(self, name):
        """Address of the task with this (last) name."""
        return [row.obj for row in self.named("TASK_NAME") if row.text == name][-1]

    def task_running(self, function):
        """TASK_NEW row of the (last) task whose coroutine's qualified name ends with `function`."""
        return [row for row in self.named("TASK_NEW") if row.text.split(".")[-1] == function][-1]

    def printed(self):
        """What the program printed as JSON lines."""
        return [json.loads(line) for line in self.stdout.splitlines() if line.startswith(("{", "["))]


_PROLOGUE = """\
import json as _json, sys as _sys
_sys.path.insert(0, {source!r})
from async_health import _ah_boot as _boot
_boot.start(dict({options!r}, sink="file:" + {out!r}))
del _json
"""


def run_probe(source, tmp_path, timeout=60, argv=(), env=None, check=True, python=None, **options):
    """Run `source` as `program.py` in a new process with the probe started before it; returns a `Recording`.

    `options` are the probe's own (detail=..., tickMs=...). With `check` a non-zero exit fails the test.
    """
    options.setdefault("tickMs", 20)
    out = os.path.join(str(tmp_path), "probe.jsonl")
    if os.path.exists(out):
        os.remove(out)
    program = os.path.join(str(tmp_path), "program.py")
    with open(program, "w", encoding="utf-8") as file:
        file.write(textwrap.dedent(source))
    start = os.path.join(str(tmp_path), "start_probe.py")
    with open(start, "w", encoding="utf-8") as file:
        file.write(_PROLOGUE.format(source=SOURCE, options=options, out=out))
        file.write("import runpy\n_sys.argv[:] = _sys.argv[1:]\nrunpy.run_path(_sys.argv[0], run_name='__main__')\n")
    done = subprocess.run(
        [python or sys.executable, "-X", "utf8", start, program] + list(argv),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        timeout=timeout,
        env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1", **(env or {})),
    )
    messages = []
    if os.path.exists(out):
        with open(out, encoding="utf-8") as file:
            messages = [json.loads(line) for line in file]
    if check and done.returncode != 0:
        pytest.fail("the program ended with %d\n%s\n%s" % (done.returncode, done.stdout, done.stderr))
    return Recording(messages, done.stdout, done.stderr, done.returncode)


def run_plain(source, tmp_path, timeout=60, argv=()):
    """The same program without the probe: (stdout, stderr, return code)."""
    program = os.path.join(str(tmp_path), "program.py")
    with open(program, "w", encoding="utf-8") as file:
        file.write(textwrap.dedent(source))
    done = subprocess.run(
        [sys.executable, "-X", "utf8", program] + list(argv),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        universal_newlines=True,
        timeout=timeout,
    )
    return done.stdout, done.stderr, done.returncode


@pytest.fixture
def probe_program(tmp_path):
    """`probe_program(source, **options)` -> Recording."""

    def run(source, **options):
        return run_probe(source, tmp_path, **options)

    return run


@pytest.fixture
def plain_program(tmp_path):
    """`plain_program(source)` -> (stdout, stderr, code): the comparison without a probe."""

    def run(source, **options):
        return run_plain(source, tmp_path, **options)

    return run


@pytest.fixture
def without(tmp_path):
    """Run a program that only has the package on its path."""

    def run(source):
        program = tmp_path / "program.py"
        program.write_text("import sys\nsys.path.insert(0, %r)\n%s" % (SOURCE, textwrap.dedent(source)))
        done = subprocess.run([sys.executable, str(program)], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        assert not done.stderr, done.stderr
        return done.stdout

    return run
