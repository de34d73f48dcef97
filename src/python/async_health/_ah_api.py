"""The API that programs use, re-exported by the package; each name is loaded when it is first used.

Nothing here is imported at the probe's start: a program that does not use the API does not pay for it.
"""

import importlib
import sys

#: name -> module of this package that has it
NAMES = {
    "AsyncDebugger": "_ah_operation",
    "ProgramBreakpoint": "_ah_operation",
    "OperationCancelled": "_ah_isolation",
    "tracked_task": "_ah_tracked",
    "tracked_scope": "_ah_tracked",
    "monitor_lock": "_ah_monitored",
    "MonitoredLock": "_ah_monitored",
    "monitor_session": "_ah_monitored",
    "SessionMonitor": "_ah_monitored",
    "CancelScopeTracker": "_ah_tracked",
    "ResourceMonitor": "_ah_resources",
    "get_debug_statistics": "_ah_report",
    "generate_report": "_ah_report",
    "print_summary": "_ah_report",
}


def find(name):
    """The API object called `name`; AttributeError for others."""
    module = NAMES.get(name)
    if module is None:
        raise AttributeError("module 'async_health' has no attribute %r" % (name,))
    return getattr(importlib.import_module("%s.%s" % (__package__, module)), name)


def in_operation(operation_id):
    """Does the code that asks run inside the operation? False until the program has begun one."""
    module = sys.modules.get("%s._ah_isolation" % __package__)
    return module is not None and module.in_operation(operation_id)


def install(options):
    """Only the clock is put in at the start."""
    from . import _ah_clock

    _ah_clock.install(options)
