"""The last batch at a program's end.

pydevd closes its connection before `atexit` runs: its CheckAliveThread (not a daemon) sees, while the interpreter waits for threads
at its shutdown, that the program's own have ended, and disposes of everything. What the probe recorded in its last tick would be lost,
so it speaks right before that.
"""

import _thread

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
