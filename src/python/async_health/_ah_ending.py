"""The last batch at a program's end.

pydevd closes its connection before `atexit` runs: its CheckAliveThread (not a daemon) sees, while the interpreter waits for threads
at its shutdown, that the program's own have ended, and disposes of everything. What the probe recorded in its last tick would be lost,
so it speaks right before that.
"""


def before_dispose(py_db, last_words):
    """Calls `last_words()` once before `py_db` closes its connection, if that happens because the program's threads have ended.

    A client that merely disconnects disposes as well; the program and the probe then go on.
    """
    if py_db is None or "dispose_and_kill_all_pydevd_threads" in vars(py_db):
        return
    dispose = py_db.dispose_and_kill_all_pydevd_threads

    def dispose_after_last_words(*args, **kwargs):
        try:
            if not py_db.has_user_threads_alive():
                last_words()
        except Exception:  # the debugger must end whatever happens here
            pass
        return dispose(*args, **kwargs)

    py_db.dispose_and_kill_all_pydevd_threads = dispose_after_last_words
