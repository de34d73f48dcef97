"""Locks and sessions of the program's own making, shown to the debugger: `monitor_lock`, `monitor_session`."""

import functools
import sys
import weakref

from . import _ah_core as core
from . import _ah_wire as w
from ._ah_tracked import depth, observe

# --- locks ------------------------------------------------------------------------------------------------------------


def monitor_lock(lock, name=None):
    """Watch a lock from now on, under a name, and return what to use in its place.

    Locks, semaphores, queues and so on of asyncio, anyio and trio are returned as they are. For any other object with
    `acquire` and `release` a `MonitoredLock` around it is returned.
    """
    from . import _ah_locks as locks

    if core.state.live and locks.family_of(lock) is not None:
        if name is not None:
            observe(locks.rename, lock, str(name))
        else:
            observe(locks.track, lock)
        info = locks.tracked.get(id(lock))
        if info is not None:
            locks.activate(info)
        return lock
    if type(lock).__module__.partition(".")[0] in ("asyncio", "anyio", "trio"):
        return lock
    if not (hasattr(lock, "acquire") and hasattr(lock, "release")):
        raise TypeError("a lock needs acquire() and release(); %r has not" % (lock,))
    return MonitoredLock(lock, name)


class MonitoredLock:
    """Stands before a lock of the program's own making; `acquire` may be a coroutine function or a plain one."""

    def __init__(self, lock, name=None):
        self._lock = lock
        self._name = str(name) if name is not None else "%s.%s" % (type(lock).__module__, type(lock).__qualname__)
        self._holder = 0

    def __getattr__(self, name):
        return getattr(self._lock, name)

    def acquire(self, *args, **kwargs):
        """As the lock's own: gives an awaitable when that one does."""
        before = self._begin(sys._getframe(1)) if core.state.live else None
        try:
            result = self._lock.acquire(*args, **kwargs)
        except BaseException:
            self._end(before, False)
            raise
        if hasattr(result, "__await__"):
            return self._acquired(result, before)
        self._end(before, result is not False)
        return result

    async def _acquired(self, awaitable, before):
        try:
            result = await awaitable
        except BaseException:
            self._end(before, False)
            raise
        self._end(before, result is not False)
        return result

    def release(self, *args, **kwargs):
        if core.state.live and self._holder:
            core.emit(w.OP_LOCK_FREE, id(self), self._holder)
        self._holder = 0
        return self._lock.release(*args, **kwargs)

    def _begin(self, frame):
        stack = core.stack_id(frame, depth())
        core.emit(w.OP_LOCK_NEW, id(self), 0, w.LOCK_MONITORED, 0)
        core.emit(w.OP_LOCK_META, id(self), -1, core.string_id(self._name))
        task = core.current_task_id()
        if self._holder:
            core.emit(w.OP_LOCK_HOLD, id(self), self._holder)
        core.emit(w.OP_LOCK_WAIT, id(self), task, w.LOCK_OP_ACQUIRE, stack)
        return (task, stack)

    def _end(self, before, ok):
        task, stack = before or (core.current_task_id(), 0)
        if core.state.live and before is not None:
            core.emit(w.OP_LOCK_WAIT_END, id(self), task, 0 if ok else 1)
            if ok:
                core.emit(w.OP_LOCK_HOLD, id(self), task, 0, stack)
        if ok:
            self._holder = task

    def __enter__(self):
        self.acquire()
        return self

    def __exit__(self, *exc):
        self.release()

    async def __aenter__(self):
        result = self.acquire()
        if hasattr(result, "__await__"):
            await result
        return self

    async def __aexit__(self, *exc):
        result = self.release()
        if hasattr(result, "__await__"):
            await result


# --- sessions ---------------------------------------------------------------------------------------------------------


class SessionMonitor:
    """What `monitor_session` gives: `with monitor.operation():` measures an operation, `close()` says that it is closed.

    It is a context manager (plain and async) that closes itself at the end.
    """

    def __init__(self, session, name, kind):
        self.name = name
        self._subject = weakref.ref(session) if session is not None else None
        self._open = False
        self._session = self if session is None else None

    def _target(self):
        return self._session if self._subject is None else self._subject()

    def operation(self):
        """A context manager around one operation; an exception counts as its failure."""
        return _Operation(self)

    def close(self):
        """The session is closed. Doing it twice is harmless."""
        if self._open:
            self._open = False
            target = self._target()
            if core.state.live and target is not None:
                from . import _ah_sessions as sessions

                observe(sessions.note_close, target)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *exc):
        self.close()


class _Operation:
    __slots__ = ("_monitor", "_token")

    def __init__(self, monitor):
        self._monitor = monitor
        self._token = None

    def __enter__(self):
        target = self._monitor._target()
        if core.state.live and target is not None:
            from . import _ah_sessions as sessions

            self._token = sessions.begin_operation(target)
        return self

    def __exit__(self, exc_type, exc, traceback):
        token, self._token = self._token, None
        if token is not None:
            from . import _ah_sessions as sessions

            token[2] = exc_type is not None
            observe(sessions.end_operation, token)
        return False

    async def __aenter__(self):
        return self.__enter__()

    async def __aexit__(self, exc_type, exc, traceback):
        return self.__exit__(exc_type, exc, traceback)


def monitor_session(session, name=None, kind=None):
    """Show a session, client or connection in the debugger: open until closed, lost when it is dropped open.

    `session`: the object, or just a name. Its own `close` or `aclose` is noticed where the object takes attributes; else
    call `close()` of the returned SessionMonitor. Known libraries' sessions are shown anyway and only get the name.
    """
    if isinstance(session, str):
        session, name = None, session
    monitor = SessionMonitor(session, name, kind)
    if core.state.live:
        observe(_show_session, monitor, session, name, kind, sys._getframe(1))
    return monitor


def _show_session(monitor, session, name, kind, frame):
    from . import _ah_sessions as sessions

    target = monitor if session is None else session
    if kind is None:
        kind = "session" if session is None else "%s.%s" % (type(session).__module__, type(session).__qualname__)
    already = id(target) in sessions.open_sessions
    sessions.note_open(target, kind, frame)
    if name:
        sessions.name_session(target, str(name))
    monitor._open = True
    if session is not None and not already:
        for method in ("close", "aclose"):
            _notice(session, method)


def _notice(session, method):
    """Notice the object's own `close()`, by an attribute of the instance that refers to it weakly."""
    original = getattr(type(session), method, None)
    if original is None or not callable(original) or not hasattr(session, "__dict__") or method in vars(session):
        return
    ref = weakref.ref(session)

    @functools.wraps(original)
    def closing(*args, **kwargs):
        from . import _ah_sessions as sessions

        target = ref()
        observe(sessions.note_close, target)
        return original(target, *args, **kwargs)

    try:
        vars(session)[method] = closing
    except TypeError:
        pass
