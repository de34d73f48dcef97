"""The last batch at a program's end, however it ends by its own doing. What kills it from outside (SIGKILL) costs the last tick.

pydevd closes its connection before `atexit` runs: its CheckAliveThread (not a daemon) sees, while the interpreter waits for threads
at its shutdown, that the program's own have ended, and disposes of everything. What the probe recorded in its last tick would be lost,
so it speaks right before that.

`os._exit` (every forked child of `multiprocessing` ends by it), `os.abort` and `os.exec*` run no exit functions at all. They are wrapped
to speak first, within a bounded time.
"""

import _thread
import operator
import os
import sys

from . import _ah_core as core

HOOK = "ending"

#: Longest wait for another thread that is saying the last words, s.
_PATIENCE_S = 1.0


def before_dispose(py_db, last_words):
    """Calls `last_words()` once before `py_db` closes its connection, if that happens because the program's threads have ended.

    A client that merely disconnects disposes as well; the program and the probe then go on.
    """
    if py_db is None or "dispose_and_kill_all_pydevd_threads" in vars(py_db):
        return
    dispose = py_db.dispose_and_kill_all_pydevd_threads
    speaking = _thread.allocate_lock()  # several of pydevd's threads dispose at the same moment

    def dispose_after_last_words(*args, **kwargs):
        try:
            if not py_db.has_user_threads_alive() and speaking.acquire(True, _PATIENCE_S):
                try:
                    last_words()
                finally:
                    speaking.release()
        except Exception:  # the debugger must end whatever happens here
            pass
        return dispose(*args, **kwargs)

    py_db.dispose_and_kill_all_pydevd_threads = dispose_after_last_words


def before_exit(last_words, flush):
    """Have the last batch said before the process ends by `os._exit` or `os.abort`, and all that waits before an `os.exec*`.

    `last_words()` ends the stream. An `exec` may fail, and the program then goes on: so only `flush()` before it.
    """

    def speak(words):
        state = core.state
        if state.started and state.live and state.pid == os.getpid():
            try:
                words()
            except Exception:  # the process ends whatever happens here
                pass

    def wrap(name, words, meant=lambda args, kwargs: True):
        original = getattr(os, name, None)
        if original is None:
            return

        def ending(*args, **kwargs):
            if meant(args, kwargs):
                speak(words)
            return original(*args, **kwargs)

        core.patch(os, name, ending, HOOK)
        # The same function has a second home, by which it is pickled.
        home = sys.modules.get(os.name if os.name != "java" else "")
        if home is not None and getattr(home, name, None) is original:
            setattr(home, name, ending)
            core.on_remove(HOOK, lambda: setattr(home, name, original))

    def is_status(args, kwargs):
        try:
            operator.index(args[0] if args else kwargs["status"])
        except (KeyError, TypeError):
            return False  # the call is about to fail
        return True

    wrap("_exit", last_words, is_status)
    wrap("abort", last_words)
    # All others of the family come down to these two.
    wrap("execv", flush)
    wrap("execve", flush)
