"""pytest plugin: appends every result to $ASYNC_HEALTH_RESULTS as a JSON line at once. scripts/test.mjs reads the file."""

import json
import os

FILE = os.environ.get("ASYNC_HEALTH_RESULTS")


def _write(outcome, test, ms, message=None):
    with open(FILE, "a") as out:
        out.write(json.dumps({"outcome": outcome, "test": test, "ms": ms, "message": message}) + "\n")


def pytest_runtest_logreport(report):
    if not FILE:
        return
    ms = round(report.duration * 1000)
    if report.when == "call":
        _write(report.outcome, report.nodeid, ms, report.longreprtext[-2000:] if report.failed else None)
    elif report.failed:  # set-up or tear-down
        _write("failed", "%s (%s)" % (report.nodeid, report.when), ms, report.longreprtext[-2000:])
    elif report.skipped:
        _write("skipped", report.nodeid, ms)


def pytest_collectreport(report):
    if FILE and report.failed:
        _write("failed", "%s (collection)" % report.nodeid, 0, report.longreprtext[-2000:])
