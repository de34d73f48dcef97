"""`ResourceMonitor`: locks with who waits how long, sessions with their success rate, tasks that take long, the system.

A debugger's model knows how long each thing lasts, so it is asked when there is one; else what the process itself can tell.
"""

import collections
import json
import os
import sys
import threading
import time
import weakref

from . import _ah_core as core
from . import _ah_system as system

#: How long to wait for the debugger's report.
ASK_TIMEOUT_S = 2.0


def ask_report(form):
    """The debugger's report as text, or None. Blocks the calling thread for at most ASK_TIMEOUT_S."""
    if not core.state.live or threading.get_ident() == core.state.thread_ident:
        return None
    arrived = threading.Event()
    answer = []

    def on_reply(result, error):
        if error is None and isinstance(result, str):
            answer.append(result)
        arrived.set()

    if not core.ask_adapter("report", {"format": form}, on_reply):
        return None
    arrived.wait(ASK_TIMEOUT_S)
    return answer[0] if answer else None


class ResourceMonitor:
    """What the program uses, read when asked; plain values only. Times in seconds.

    `lock_timeout`: a lock waited for this long counts as timed out; `long_task`: a task that lives this long is a long one;
    `history`: system samples kept. Under the debugger each question may block for a few milliseconds.
    """

    def __init__(self, lock_timeout=5.0, long_task=30.0, history=600):
        self.lock_timeout = lock_timeout
        self.long_task = long_task
        self._samples = collections.deque(maxlen=history)
        self._cpu = None  # (wall, cpu seconds) of the last sample
        self._first_seen = weakref.WeakKeyDictionary()

    # --- locks --------------------------------------------------------------------------------------------------------

    def locks(self):
        """[{name, address, holder, waiters, value, unfinished, capacity}] of the locks, queues and so on that are watched."""
        from . import _ah_locks as locks
        from . import _ah_locks_sample as sample

        sample.settle()
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

    def lock_waits(self):
        """Who waits for which lock, longest first: [{lock, made, task, wants, at, seconds, timed_out, holders}].

        `at` and `made` are {file, line, function} or None. Needs the debugger; else the list is empty.
        """
        return self._lock_waits(_model())

    def _lock_waits(self, model):
        found = []
        for lock in model.get("locks", {}).get("waited_for", ()):
            for waiter in lock["waiters"]:
                seconds = waiter["wait_ms"] / 1000.0
                found.append(
                    {
                        "lock": lock["name"] or lock["type"],
                        "made": lock["made"],
                        "task": waiter["task"],
                        "wants": waiter["wants"],
                        "at": waiter["at"],
                        "seconds": seconds,
                        "timed_out": seconds >= self.lock_timeout,
                        "holders": [holder["task"] for holder in lock["holders"]],
                    }
                )
        return sorted(found, key=lambda one: -one["seconds"])

    # --- sessions -----------------------------------------------------------------------------------------------------

    def sessions(self):
        """[{kind, name, address, pool, operations, failures, success_rate}] of the open sessions.

        `success_rate` is 0 to 1 of the operations that are over, None before the first; `pool` {in_use, size, waiting} or None.
        """
        from . import _ah_sessions as sessions

        return [
            {
                "kind": known.kind,
                "name": known.name,
                "address": known.key,
                "pool": dict(zip(("in_use", "size", "waiting"), known.told)) if known.told is not None else None,
                "operations": known.operations,
                "failures": known.failures,
                "success_rate": 1 - known.failures / known.operations if known.operations else None,
            }
            for known in list(sessions.open_sessions.values())
        ]

    # --- tasks --------------------------------------------------------------------------------------------------------

    def tasks(self):
        """[{name, coroutine, done}] of the running loop's asyncio tasks, and trio's tasks when the probe is active."""
        return [{"name": name, "coroutine": coroutine, "done": False} for _task, name, coroutine in self._living()]

    def long_tasks(self):
        """Living tasks older than `long_task`, oldest first: [{name, coroutine, seconds, state, waits_for}].

        Without the debugger their age counts from this monitor's first look at them, and state and waits_for are None.
        """
        return self._long_tasks(_model())

    def _long_tasks(self, model):
        living = model.get("tasks", {}).get("living")
        if living is None:
            moment = time.monotonic()
            living = [
                {
                    "name": name,
                    "coroutine": coroutine,
                    "age_ms": 1000.0 * (moment - self._first_seen.setdefault(task, moment)),
                }
                for task, name, coroutine in self._living()
            ]
        found = [
            {
                "name": task["name"],
                "coroutine": task["coroutine"],
                "seconds": task["age_ms"] / 1000.0,
                "state": task.get("state"),
                "waits_for": task.get("waits_for"),
            }
            for task in living
            if task["age_ms"] >= 1000.0 * self.long_task
        ]
        return sorted(found, key=lambda one: -one["seconds"])

    def _living(self):
        """(task, name, coroutine's name) of the living tasks that can be seen from here."""
        found = []
        asyncio = sys.modules.get("asyncio")
        try:
            for task in asyncio.all_tasks() if asyncio is not None else ():
                name = task.get_name() if hasattr(task, "get_name") else "Task"
                coroutine = task.get_coro() if hasattr(task, "get_coro") else task._coro
                found.append((task, name, getattr(coroutine, "__qualname__", "")))
        except RuntimeError:  # no loop runs in this thread
            pass
        trio_tasks = sys.modules.get(__package__ + "._ah_trio")
        if trio_tasks is not None:
            for known in list(trio_tasks.tasks.values()):
                task = known.ref()
                if task is not None:
                    found.append((task, known.name, known.coroutine))
        return found

    # --- the system ---------------------------------------------------------------------------------------------------

    def system(self):
        """{pid, python, threads, cpu_seconds, rss, fds}; rss in bytes, None where the platform cannot tell."""
        return {
            "pid": os.getpid(),
            "python": sys.version.split()[0],
            "threads": system.thread_count(),
            "cpu_seconds": time.process_time(),
            "rss": system.resident_bytes() or None,
            "fds": system.open_files(),
        }

    def sample(self):
        """Take a sample of the system and keep it: {time, cpu, rss, threads, fds, tasks}; cpu 1 = one core, since the last."""
        for task, _name, _coroutine in self._living():
            self._first_seen.setdefault(task, time.monotonic())
        now = self.system()
        wall, cpu = time.monotonic(), now["cpu_seconds"]
        before, self._cpu = self._cpu, (wall, cpu)
        taken = {
            "time": time.time(),
            "cpu": (cpu - before[1]) / (wall - before[0]) if before is not None and wall > before[0] else None,
            "rss": now["rss"],
            "threads": now["threads"],
            "fds": now["fds"],
            "tasks": len(self._first_seen),
        }
        self._samples.append(taken)
        return taken

    def samples(self):
        """The samples that were taken, oldest first."""
        return list(self._samples)

    # --- all of it ----------------------------------------------------------------------------------------------------

    def statistics(self, own=False):
        """{locks, contended, waiting, timed_out, sessions, operations, failures, success_rate, tasks, long_tasks, samples}."""
        report = self.report(own)
        sessions = report["sessions"]
        operations = sum(one["operations"] for one in sessions)
        failures = sum(one["failures"] for one in sessions)
        return {
            "locks": len(report["locks"]),
            "contended": sum(1 for one in report["locks"] if one["waiters"]),
            "waiting": sum(one["waiters"] for one in report["locks"]),
            "timed_out": sum(1 for one in report["lock_waits"] if one["timed_out"]),
            "sessions": len(sessions),
            "operations": operations,
            "failures": failures,
            "success_rate": 1 - failures / operations if operations else None,
            "tasks": len(report["tasks"]),
            "long_tasks": len(report["long_tasks"]),
            "samples": len(self._samples),
        }

    def report(self, own=False):
        """{locks, lock_waits, sessions, tasks, long_tasks, system, samples}. `own`: without asking the debugger."""
        model = {} if own else _model()
        return {
            "locks": self.locks(),
            "lock_waits": self._lock_waits(model),
            "sessions": self.sessions(),
            "tasks": self.tasks(),
            "long_tasks": self._long_tasks(model),
            "system": self.system(),
            "samples": self.samples(),
        }


def _model():
    """The debugger's report; {} without a debugger."""
    text = ask_report("json")
    return json.loads(text) if text is not None else {}
