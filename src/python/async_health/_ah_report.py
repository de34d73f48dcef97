"""Statistics and reports from the program's side.

With a debugger attached its model knows more (findings, history), so a report is asked of it; else the probe's own view is
given, as JSON, Markdown or a self-contained HTML page.
"""

import html
import json
import sys
import time

from . import _ah_core as core
from ._ah_resources import ResourceMonitor, ask_report

_STARTED = time.time()


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
        "resources": ResourceMonitor().report(own=True),
    }


def generate_report(format="markdown"):
    """The health report of this process as text: 'json', 'markdown' or 'html' (self-contained)."""
    if format not in ("json", "markdown", "html"):
        raise ValueError("format must be 'json', 'markdown' or 'html', not %r" % (format,))
    text = ask_report(format)
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
    """How the program does, to `file` (default standard output): with a debugger also what it found and the figures."""
    out = file if file is not None else sys.stdout
    found = ask_report("text")
    statistics = get_debug_statistics()
    if found is not None:
        print(found.rstrip("\n"), file=out)
    else:
        print("Async Health: %s" % ("debugger attached" if statistics["debugger"] else "no debugger"), file=out)
    print(
        "  operations: %(started)d started, %(active)d active, %(finished)d finished, %(failed)d failed, "
        "%(cancelled)d cancelled" % statistics["operations"],
        file=out,
    )
    print(
        "  tracked scopes: %(entered)d entered, %(open)d open, %(cross_task)d left by another task, "
        "%(out_of_order)d out of order" % statistics["scopes"],
        file=out,
    )
    if found is None:
        print(
            "  locks: %(locks)d watched, %(contended)d contended; sessions open: %(sessions)d; tasks: %(tasks)d"
            % ResourceMonitor().statistics(own=True),
            file=out,
        )
