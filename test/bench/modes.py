"""The ways to run a benchmark: bare, under the probe, or under one of the alternatives.

`activate(mode)` before asyncio is imported, `install(mode, loop)` once the loop runs. Modes: none, light, standard, full (the probe),
floor, floor-light, floor-full (the least that a probe must do at each level, see floor.py),
asyncio-debug, aiomonitor (hooked task factory), viztracer (log_async), yappi.
"""

import os
import sys
import tempfile

PROBE = ("light", "standard", "full")
FLOORS = ("floor", "floor-light", "floor-full")
_kept = []


def activate(mode):
    if mode in PROBE or mode in FLOORS:
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
        sys.path.insert(0, os.path.join(root, "src", "python"))
    if mode in FLOORS:
        import floor

        floor.activate(mode)
    elif mode in PROBE:
        from async_health import _ah_boot

        descriptor, path = tempfile.mkstemp(prefix="ah-bench-")
        os.close(descriptor)
        _ah_boot.start({"sink": "file:" + path, "detail": mode, "tickMs": 100})
        os.unlink(path)  # written to, never kept
    elif mode == "asyncio-debug":
        os.environ["PYTHONASYNCIODEBUG"] = "1"
    elif mode == "viztracer":
        import viztracer

        tracer = viztracer.VizTracer(log_async=True, verbose=0, tracer_entries=1000000)
        tracer.start()
        _kept.append(tracer)
    elif mode == "yappi":
        import yappi

        yappi.set_clock_type("wall")
        yappi.start()
    elif mode not in ("none", "aiomonitor"):
        raise SystemExit("unknown mode %r" % mode)


def install(mode, loop):
    if mode == "aiomonitor":
        import aiomonitor

        monitor = aiomonitor.start_monitor(loop, hook_task_factory=True, port=0, webui_port=0, console_port=0)
        _kept.append(monitor)


def probe_statistics():
    """The probe's own counters, or {}."""
    core = sys.modules.get("async_health._ah_core")
    return {} if core is None else {"rows": getattr(core.state, "rows", None)}


def finish():
    """Stops what was started, without writing its results. Ends the process: monitors keep threads."""
    sys.stdout.flush()
    os._exit(0)
