"""Runs other people's test suites with the probe in their process, and says what happened to each test.

As a pytest plugin (`-p async_health_compat`), or as a program for suites of the standard library
(`python async_health_compat.py test.test_asyncio`). Environment:
`AH_COMPAT_RESULTS`: file for JSON lines {"test", "outcome", "t0", "t1"}; t0 and t1 are ns on the probe's clock, -1 without the probe.
`AH_COMPAT_RECORDING`: where the probe writes its stream; without it the probe is not started.
`AH_COMPAT_DETAIL`: light, standard or full.
"""

import json
import os
import sys

RESULTS = os.environ["AH_COMPAT_RESULTS"]
RECORDING = os.environ.get("AH_COMPAT_RECORDING")
PID = os.getpid()

if RECORDING:
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(here)), "src", "python"))
    # Before any library is imported, as in a debug session.
    from async_health import _ah_boot, _ah_core

    _ah_boot.start({"sink": "file:" + RECORDING, "detail": os.environ.get("AH_COMPAT_DETAIL", "standard")})
    sys.path.pop(0)

_out = open(RESULTS, "a", buffering=1)
_begun = {}


def _now():
    if not RECORDING:
        return -1
    return _ah_core.now() - _ah_core.state.t0


def _write(test, outcome, begun, message=None):
    if os.getpid() == PID:  # not from the forked children of tests
        _out.write(json.dumps({"test": test, "outcome": outcome, "t0": begun, "t1": _now(), "message": message}) + "\n")


# --- pytest -------------------------------------------------------------------------------------------------------------


def pytest_runtest_logstart(nodeid, location):
    _begun[nodeid] = [_now(), None, None]


def pytest_runtest_logreport(report):
    """One line a test: the worst of set-up, call and tear-down."""
    entry = _begun.setdefault(report.nodeid, [_now(), None, None])
    order = [None, "passed", "skipped", "failed", "error"]
    outcome = report.outcome
    if report.failed and report.when != "call":
        outcome = "error"
    if hasattr(report, "wasxfail"):
        outcome = "skipped"  # expected to fail; whether it does is no matter here
    if order.index(outcome) > order.index(entry[1]):
        entry[1] = outcome
        if report.failed:
            entry[2] = report.longreprtext[-1500:]


def pytest_runtest_logfinish(nodeid, location):
    begun, outcome, message = _begun.pop(nodeid)
    _write(nodeid, outcome or "passed", begun, message)


# --- unittest -----------------------------------------------------------------------------------------------------------


def _run_unittest(names):
    import traceback
    import unittest

    from test import support

    support.use_resources = []  # as `python -m test` does without -u

    class Result(unittest.TestResult):
        def startTest(self, test):
            super().startTest(test)
            self.begun, self.outcome, self.message = _now(), "passed", None
            sys.stderr.write("%s ... " % test.id())

        def worse(self, outcome, details=None):
            order = ["passed", "skipped", "failed", "error"]
            if order.index(outcome) > order.index(self.outcome):
                self.outcome = outcome
                if details:
                    self.message = "".join(traceback.format_exception(*details))[-1500:]

        def addFailure(self, test, details):
            self.worse("failed", details)

        def addError(self, test, details):
            if not isinstance(test, unittest.TestCase):  # setUpClass and the like
                _write(test.id(), "error", _now(), "".join(traceback.format_exception(*details))[-1500:])
            else:
                self.worse("error", details)

        def addSkip(self, test, reason):
            if isinstance(test, unittest.TestCase):
                if getattr(self, "outcome", None) is None:
                    self.begun, self.outcome, self.message = _now(), "passed", None
                self.worse("skipped")

        def addSubTest(self, test, subtest, details):
            if details is not None:
                self.worse("failed", details)

        def stopTest(self, test):
            super().stopTest(test)
            sys.stderr.write("%s\n" % self.outcome)
            _write(test.id(), self.outcome, self.begun, self.message)

    suite = unittest.TestLoader().loadTestsFromNames(names)
    suite.run(Result())


if __name__ == "__main__":
    _run_unittest(sys.argv[1:])
