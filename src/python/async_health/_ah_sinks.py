"""Where the probe's messages go: the debugger's own connection, a file, or a callable."""

import _thread
import json
import os
import sys

from . import _ah_ending, _ah_pydevd
from . import _ah_wire as wire

#: Messages the debugger's writer may have waiting before we hold ours back.
_QUEUE_MAX = 20


#: Stands for the rows while a message becomes JSON: the encoder would look at each of their characters for one to escape
#: (90 ns a row), and base64 has none.
_PLACEHOLDER = "@rows@"
_PLACEHOLDER_TEXT = _PLACEHOLDER.encode("ascii")


class PydevdSink:
    """The debugger's own connection: one DAP event per message."""

    #: True: the adapter asks again (injects) in a forked child; nothing is sent there before.
    ends_at_fork = True

    def __init__(self, before_end):
        self.pydevd = sys.modules["pydevd"]
        self.constants = sys.modules["_pydevd_bundle.pydevd_constants"]
        _ah_ending.before_dispose(self.constants.get_global_debugger(), before_end)

    def _writer(self):
        py_db = self.constants.get_global_debugger()
        return None if py_db is None else getattr(py_db, "writer", None)

    def ready(self):
        writer = self._writer()
        if writer is None:
            return False
        queue = getattr(writer, "_cmd_queue", None)
        return queue is None or queue.qsize() < _QUEUE_MAX

    def send(self, message, rows=None):
        event = {"type": "event", "event": wire.PROBE_EVENT, "body": message}
        if rows is None:
            return bool(self.pydevd.send_json_message(event))
        message["rows"] = _PLACEHOLDER
        command = _ah_pydevd.json_command(event, _PLACEHOLDER_TEXT, rows)
        if command is None:  # another pydevd: the plain way
            message["rows"] = rows.decode("ascii")
            return bool(self.pydevd.send_json_message(event))
        writer = self._writer()
        if writer is None:
            return False
        writer.add_command(command)
        return True

    def drain(self, seconds):
        """Wait until the debugger's writer has written what it was given, at most so long."""
        writer = self._writer()
        if writer is None or not writer.is_alive():
            return
        mark = _Mark()
        writer.add_command(mark)
        mark.passed.acquire(True, seconds)


class _Mark:
    """Stands in the writer's queue behind our messages and writes nothing."""

    id = 0
    as_dict = None

    def __init__(self):
        self.passed = _thread.allocate_lock()
        self.passed.acquire()

    def send(self, _sock):
        self.passed.release()


class FileSink:
    """JSON lines in a file: `file:/path.jsonl`. A forked child appends to the same file."""

    ends_at_fork = False

    def __init__(self, path):
        self.path = path
        self.descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def ready(self):
        return True

    def send(self, message, rows=None):
        if rows is not None:
            message["rows"] = _PLACEHOLDER
        line = (json.dumps(message) + "\n").encode("ascii")
        if rows is not None:
            line = line.replace(_PLACEHOLDER_TEXT, rows, 1)
        while line:
            line = line[os.write(self.descriptor, line) :]
        return True

    def drain(self, seconds):
        """Nothing waits."""


class CallSink:
    """A callable that takes each message (a dict)."""

    ends_at_fork = False

    def __init__(self, function):
        self.function = function

    def ready(self):
        return True

    def send(self, message, rows=None):
        if rows is not None:
            message["rows"] = rows.decode("ascii")
        self.function(message)
        return True

    def drain(self, seconds):
        """Nothing waits."""


def make_sink(target, before_end):
    """A sink from the option `sink`: 'pydevd' (default), 'file:PATH', or a callable.

    `before_end()` is called before the debugger closes its connection.
    """
    if callable(target):
        return CallSink(target)
    if target in (None, "pydevd"):
        if "pydevd" not in sys.modules:
            raise RuntimeError("the debugger (pydevd) is not loaded in this process; give the option sink")
        return PydevdSink(before_end)
    if isinstance(target, str) and target.startswith("file:"):
        return FileSink(target[5:])
    raise ValueError("sink must be 'pydevd', 'file:PATH' or a callable, not %r" % (target,))
