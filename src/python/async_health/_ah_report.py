"""Statistics and reports from the program's side.

With a debugger attached its model knows more (findings, history), so a report is asked of it; else the probe's own view is
given, as JSON, Markdown or a self-contained HTML page.
"""

import html
import json
import os
import sys
import threading
import time

from . import _ah_core as core

_STARTED = time.time()
#: How long to wait for the debugger's report.
ASK_TIMEOUT_S = 2.0


class ResourceMonitor:
    """What the program uses right now, read when asked: locks, sessions, tasks, system; plain values only."""

    def locks(self):
        """[{name, kind, holder, waiters, value, capacity}] of the announced locks, queues and so on."""
        from . import _ah_locks as locks

        found = []
        for info in list(locks.tracked.values()):
            lock = info.ref()
            if lock is None:
                continue
            holder, value, unfinished = info.family.state(lock)
            found.append(
                {
                    "name": locks.names.get(info.key)
                    or "%s.%s" % (info.family.label.partition(".")[0], type(lock).__name__),
                    "address": info.key,
                    "holder": holder,
                    "waiters": len(info.waiters),
                    "value": value,
                    "unfinished": unfinished,
                    "capacity": info.family.capacity(lock),
                }
            )
        return found

    def sessions(self):
        """[{kind, name, address, pool}] of the open sessions."""
        from . import _ah_sessions as sessions

        return [
            {
                "kind": known.kind,
                "name": known.name,
                "address": known.key,
                "pool": dict(zip(("in_use", "size", "waiting"), known.told)) if known.told is not None else None,
            }
            for known in list(sessions.open_sessions.values())
        ]

    def tasks(self):
        """[{name, coroutine, done}] of the running loop's asyncio tasks, and trio's tasks when the probe is active."""
        found = []
        asyncio = sys.modules.get("asyncio")
        if asyncio is not None:
            try:
                for task in asyncio.all_tasks():
                    coroutine = getattr(task.get_coro(), "__qualname__", "")
                    found.append({"name": task.get_name(), "coroutine": coroutine, "done": task.done()})
            except RuntimeError:  # no loop runs in this thread
                pass
        trio_tasks = sys.modules.get(__package__ + "._ah_trio")
        if trio_tasks is not None:
            for known in list(trio_tasks.tasks.values()):
                found.append({"name": known.name, "coroutine": known.coroutine, "done": False})
        return found

    def system(self):
        """{pid, threads, cpu_seconds, rss, python}; rss in bytes, None where the platform cannot tell."""
        times = os.times()
        return {
            "pid": os.getpid(),
            "python": sys.version.split()[0],
            "threads": threading.active_count(),
            "cpu_seconds": times.user + times.system,
            "rss": _rss(),
        }

    def report(self):
        """All four."""
        return {"locks": self.locks(), "sessions": self.sessions(), "tasks": self.tasks(), "system": self.system()}


def _rss():
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError, IndexError):
        return None


def get_debug_statistics():
    """{debugger, uptime, operations: {...}, scopes: {...}, probe: {...}} of this process, plain values."""
    from . import _ah_operation as operation
    from . import _ah_tracked as tracked

    totals = {"started": 0, "active": 0, "finished": 0, "failed": 0, "cancelled": 0, "breakpoints": 0, "events": 0}
    for debugger in operation.all_debuggers():
        for key, value in debugger.get_debug_statistics().items():
            totals[key] += value
    state = core.state
    return {
        "debugger": state.live,
        "uptime": time.time() - _STARTED,
        "operations": totals,
        "scopes": tracked.tracker.statistics(),
        "probe": {
            "detail": state.detail,
            "dropped": {"rows": state.dropped_rows, "stacks": state.dropped_stacks, "notes": state.dropped_notes},
            "hooks": {name: "removed" if entry.removed else "active" for name, entry in sorted(core.hooks.items())},
        },
    }


def _own_report():
    from . import _ah_operation as operation
    from . import _ah_tracked as tracked

    return {
        "created": time.strftime("%Y-%m-%d %H:%M:%S"),
        "program": list(sys.argv),
        "statistics": get_debug_statistics(),
        "operations": [info for debugger in operation.all_debuggers() for info in debugger.list_sessions()],
        "scopes": tracked.tracker.report(),
        "resources": ResourceMonitor().report(),
    }


def _ask_report(format):
    """The debugger's report, or None. Blocks the calling thread for at most ASK_TIMEOUT_S."""
    if not core.state.live or threading.get_ident() == core.state.thread_ident:
        return None
    arrived = threading.Event()
    answer = []

    def on_reply(result, error):
        if error is None and isinstance(result, str):
            answer.append(result)
        arrived.set()

    if not core.ask_adapter("report", {"format": format}, on_reply):
        return None
    arrived.wait(ASK_TIMEOUT_S)
    return answer[0] if answer else None


def generate_report(format="markdown"):
    """The health report of this process as text: 'json', 'markdown' or 'html' (self-contained)."""
    if format not in ("json", "markdown", "html"):
        raise ValueError("format must be 'json', 'markdown' or 'html', not %r" % (format,))
    text = _ask_report(format)
    if text is not None:
        return text
    report = _own_report()
    if format == "json":
        return json.dumps(report, indent=2, default=repr)
    markdown = _markdown(report)
    return markdown if format == "markdown" else _html(markdown)


def _markdown(report):
    lines = ["# Async Health", "", "%s, %s" % (report["created"], " ".join(report["program"])), ""]
    system = report["resources"]["system"]
    lines += ["## System", "", "| what | value |", "| --- | --- |"]
    lines += ["| %s | %s |" % (key, _cell(value)) for key, value in system.items()]
    lines += ["", "## Operations", ""]
    lines += _table(report["operations"], ("name", "state", "isolation", "duration", "error"))
    lines += ["", "## Scopes", "", "| what | count |", "| --- | --- |"]
    lines += ["| %s | %s |" % (key, value) for key, value in report["scopes"]["statistics"].items()]
    if report["scopes"]["violations"]:
        lines += [""] + _table(report["scopes"]["violations"], ("violation", "name", "entered_by", "left_by"))
    for title, key, columns in (
        ("Locks", "locks", ("name", "holder", "waiters", "value", "capacity")),
        ("Sessions", "sessions", ("kind", "name", "pool")),
        ("Tasks", "tasks", ("name", "coroutine", "done")),
    ):
        lines += ["", "## %s" % title, ""] + _table(report["resources"][key], columns)
    return "\n".join(lines) + "\n"


def _table(rows, columns):
    if not rows:
        return ["None."]
    lines = ["| " + " | ".join(columns) + " |", "| " + " | ".join("---" for _ in columns) + " |"]
    for row in rows[:200]:
        lines.append("| " + " | ".join(_cell(row.get(column)) for column in columns) + " |")
    if len(rows) > 200:
        lines.append("")
        lines.append("200 of %d." % len(rows))
    return lines


def _cell(value):
    if value is None:
        return ""
    if isinstance(value, float):
        return "%.3f" % value
    return str(value).replace("|", "\\|").replace("\n", " ")


def _html(markdown):
    return (
        "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8><title>Async Health</title>"
        "<style>body{font:14px/1.5 system-ui,sans-serif;margin:2em;max-width:60em}pre{white-space:pre-wrap}</style></head>"
        "<body><pre>%s</pre></body></html>\n" % html.escape(markdown)
    )


def print_summary(file=None):
    """A few lines on how the program does, to `file` (default standard output)."""
    out = file if file is not None else sys.stdout
    report = _own_report()
    statistics = report["statistics"]
    operations = statistics["operations"]
    resources = report["resources"]
    print("Async Health: %s" % ("debugger attached" if statistics["debugger"] else "no debugger"), file=out)
    print(
        "  operations: %(started)d started, %(active)d active, %(finished)d finished, %(failed)d failed, "
        "%(cancelled)d cancelled" % operations,
        file=out,
    )
    print(
        "  scopes: %(entered)d entered, %(open)d open, %(cross_task)d left by another task, %(out_of_order)d out of order"
        % statistics["scopes"],
        file=out,
    )
    print(
        "  locks: %d watched, %d contended; sessions open: %d; tasks: %d"
        % (
            len(resources["locks"]),
            sum(1 for one in resources["locks"] if one["waiters"]),
            len(resources["sessions"]),
            len(resources["tasks"]),
        ),
        file=out,
    )
