"""Everything that touches private names of pydevd (debugpy's engine), in one place; what is about stopping is in `_ah_pydevd_stops`.

Each function either works on the debugpy that runs here or raises :class:`Unsupported` with the reason; its callers then leave
plain debugpy behaviour as it is. Nothing here imports pydevd: modules are looked up in ``sys.modules``, so that the probe also
runs where there is no debugger. Read against debugpy 1.8.0 ... 1.8.22.
"""

import os
import sys
import threading

STATE_RUN = 1
STATE_SUSPEND = 2

# Commands of pydevd_comm_constants; part of its wire protocol, unchanged since debugpy 1.0.
CMD_THREAD_SUSPEND = 105
CMD_STEP_INTO = 107
CMD_STEP_OVER = 108
CMD_STEP_RETURN = 109
CMD_SET_BREAK = 111
CMD_STEP_INTO_MY_CODE = 144
CMD_STEP_OVER_MY_CODE = 159
CMD_STEP_RETURN_MY_CODE = 160
CMD_STEP_INTO_COROUTINE = 206

#: Step command of the thread that goes on -> what the client asked for. (In a coroutine pydevd makes its own of a step in.)
STEP_KINDS = {
    CMD_STEP_OVER: "next",
    CMD_STEP_OVER_MY_CODE: "next",
    CMD_STEP_INTO: "in",
    CMD_STEP_INTO_MY_CODE: "in",
    CMD_STEP_INTO_COROUTINE: "in",
    CMD_STEP_RETURN: "out",
    CMD_STEP_RETURN_MY_CODE: "out",
}

#: Stop reasons of a step (as PyDB.set_suspend gets them).
STEP_COMMANDS = frozenset(STEP_KINDS)


class Unsupported(Exception):
    """This debugpy lacks what is needed; the text says what."""


def module(name):
    module = sys.modules.get(name)
    if module is None:
        raise Unsupported("%s is not loaded" % name)
    return module


def db():
    """The PyDB of this process, or None without a debugger (or once it has been disposed of)."""
    constants = sys.modules.get("_pydevd_bundle.pydevd_constants")
    if constants is None:
        return None
    found = constants.get_global_debugger()
    if found is None or getattr(found, "pydb_disposed", False):
        return None
    return found


def need_db():
    found = db()
    if found is None:
        raise Unsupported("no debugger is attached")
    return found


def uses_monitoring():
    """Whether pydevd traces through sys.monitoring (3.12+) rather than sys.settrace."""
    constants = sys.modules.get("_pydevd_bundle.pydevd_constants")
    return bool(getattr(constants, "PYDEVD_USE_SYS_MONITORING", False))


def describe():
    """What runs here, for the diagnostic log."""
    debugpy = sys.modules.get("debugpy")
    return {
        "debugpy": getattr(debugpy, "__version__", "?"),
        "monitoring": uses_monitoring(),
        "attached": db() is not None,
    }


# --- ids --------------------------------------------------------------------------------------------------------------


def _schema():
    return module("_pydevd_bundle._debug_adapter.pydevd_base_schema").BaseSchema


def to_dap(key):
    """The number by which the client knows a thread key, ``id(frame)`` or variable."""
    return _schema()._translate_id_to_dap(key)


def thread_key(thread):
    """pydevd's own id of a thread, a string."""
    return module("_pydevd_bundle.pydevd_constants").get_thread_id(thread)


def dap_thread_id(thread):
    return to_dap(thread_key(thread))


def thread_by_ident(ident):
    for thread in threading.enumerate():
        if thread.ident == ident:
            return thread
    return None


def thread_by_dap(dap_id):
    """The threading.Thread of a client's thread number, or None."""
    for thread in visible_threads():
        if dap_thread_id(thread) == dap_id:
            return thread
    return None


def visible_threads():
    """Threads that debugpy shows: neither pydevd's own nor ours."""
    return [
        thread
        for thread in threading.enumerate()
        if not getattr(thread, "is_pydev_daemon_thread", False) and not getattr(thread, "pydev_do_not_trace", False)
    ]


# --- stopped threads and their frames -----------------------------------------------------------------------------------


def thread_info(thread):
    """pydevd's PyDBAdditionalThreadInfo of a thread (made when missing)."""
    info = getattr(thread, "additional_info", None)
    if info is None:
        info = module("_pydevd_bundle.pydevd_additional_thread_info").set_additional_thread_info(thread)
    return info


def tracker_of(key):
    return need_db().suspended_frames_manager.get_frame_tracker(key)


def stopped_threads():
    """[(thread, key)] of the threads that wait in the debugger right now."""
    found = []
    for thread in visible_threads():
        info = getattr(thread, "additional_info", None)
        if info is None or info.pydev_state != STATE_SUSPEND:
            continue
        key = thread_key(thread)
        if tracker_of(key) is not None:
            found.append((thread, key))
    return found


def frames_of(key):
    """The frames pydevd shows for a stopped thread, leaf first; an empty list when it is not stopped."""
    frames = need_db().suspended_frames_manager.get_frames_list(key)
    return [] if frames is None else list(frames)


def track(stopped_key, key, frames):
    """
    Gives `frames` (leaf first) to debugpy as the stack of a thread of its own named `key`, until the thread `stopped_key`
    resumes. debugpy then serves stackTrace, scopes, variables, setVariable, evaluate and completions for them.

    :return int: the client's number of that thread.
    """
    manager = need_db().suspended_frames_manager
    tracker = manager.get_frame_tracker(stopped_key)
    if tracker is None:
        raise Unsupported("the thread is not stopped any more")
    if manager.get_frame_tracker(key) is None:
        frames_list = module("_pydevd_bundle.pydevd_frame_utils").FramesList()
        for frame in frames:
            frames_list.append(frame)
        tracker.track(tracker.get_main_thread_id(), frames_list, frame_custom_thread_id=key)
    return to_dap(key)


_user_files = {}


def is_user_file(filename):
    """Whether pydevd counts a file (``co_filename``) as the user's own code. Cached; about 100 ns when known."""
    known = _user_files.get(filename)
    if known is None:
        base = os.path.basename(filename)
        if base.startswith("_ah_"):
            known = False
        else:
            py_db = db()
            try:
                known = bool(py_db._files_filtering.in_project_roots(filename))
            except Exception:  # another pydevd, or none: the usual places of libraries
                known = not (
                    "site-packages" in filename
                    or "dist-packages" in filename
                    or filename.startswith(("<", sys.base_prefix))
                )
        _user_files[filename] = known
    return known


def just_my_code():
    py_db = db()
    return bool(py_db is not None and getattr(py_db, "_is_libraries_filter_enabled", True))


def is_visible(frame):
    """Whether debugpy shows this frame (and steps into it) under the session's justMyCode."""
    name = os.path.basename(frame.f_code.co_filename)
    if name.startswith(("_ah_", "pydevd", "_pydevd")):
        return False
    py_db = need_db()
    try:
        if py_db.get_file_type(frame) is not None:  # pydevd's own files
            return False
        if not py_db.is_files_filter_enabled:
            return True
        return not py_db.apply_files_filter(frame, frame.f_code.co_filename, False)
    except AttributeError:
        return is_user_file(frame.f_code.co_filename)


def hide_file(basename):
    """Frames of files with this base name vanish from stacks and are never stepped into."""
    module = sys.modules.get("_pydevd_bundle.pydevd_dont_trace_files")
    if module is not None:
        module.DONT_TRACE[basename] = module.PYDEV_FILE


# --- output ----------------------------------------------------------------------------------------------------------------


def json_command(message, placeholder, text):
    """A message for pydevd's writer in which `text` (bytes) takes the place of `placeholder`; None where pydevd is another."""
    kind = getattr(sys.modules.get("_pydevd_bundle.pydevd_net_command"), "NetCommand", None)
    if kind is None:
        return None
    command = kind(-1, 0, message, is_json=True)
    made = getattr(command, "_as_bytes", None)
    if not isinstance(made, bytes) or placeholder not in made:
        return None
    command._as_bytes = made.replace(placeholder, text, 1)
    return command


def log_expression(message):
    """The Python expression that debugpy makes of a log point's message (`{x}` interpolated)."""
    return module("_pydevd_bundle.pydevd_utils").convert_dap_log_message_to_expression(message)


def write_output(text):
    """Writes to the client as debugpy's own log points do."""
    py_db = need_db()
    py_db.writer.add_command(py_db.cmd_factory.make_io_message(text, "1"))


def console(text):
    """Writes to the client's console, as debugpy's own errors."""
    py_db = need_db()
    py_db.writer.add_command(py_db.cmd_factory.make_console_message(text))


# --- stepping ------------------------------------------------------------------------------------------------------------


def step_over_in(thread, frame):
    """
    Makes a running (or about to run) thread stop at the next line of `frame`, or, when `frame` returns, where it returns to:
    pydevd's own "step over", aimed at a frame of our choice, which may be a suspended coroutine's.
    """
    py_db = need_db()
    info = thread_info(thread)
    command = CMD_STEP_OVER_MY_CODE if just_my_code() else CMD_STEP_OVER
    info.pydev_step_stop = frame
    info.pydev_step_cmd = command
    if info.pydev_original_step_cmd == -1:
        info.pydev_original_step_cmd = command
    info.suspend_type = 1  # PYTHON_SUSPEND
    info.update_stepping_info()
    _trace_again(py_db, thread, frame)


def step_into_any(thread, frame=None):
    """Makes the thread stop at the next visible line, wherever it is. The stop filter narrows it."""
    py_db = need_db()
    info = thread_info(thread)
    command = CMD_STEP_INTO_MY_CODE if just_my_code() else CMD_STEP_INTO
    info.pydev_step_stop = None
    info.pydev_step_cmd = command
    if info.pydev_original_step_cmd == -1:
        info.pydev_original_step_cmd = command
    info.suspend_type = 1
    info.update_stepping_info()
    _trace_again(py_db, thread, frame)


def is_stepping():
    """Is the calling thread on its way to where a step ends?"""
    return thread_info(threading.current_thread()).pydev_step_cmd != -1


def has_breakpoint(code):
    """Is there a line breakpoint in this function?"""
    paths = module("pydevd_file_utils").get_abs_path_real_path_and_base_from_file(code.co_filename)
    lines = {found.line for found in list(need_db().breakpoints.get(paths[1], {}).values())}
    return bool(lines) and any(line in lines for _start, _end, line in code.co_lines())


def drop_step(thread):
    """The thread runs on freely."""
    info = thread_info(thread)
    info.pydev_step_stop = None
    info.pydev_step_cmd = -1
    info.pydev_original_step_cmd = -1
    info.update_stepping_info()


def watch_frames(thread, frames):
    """
    Has pydevd look at these visible frames when the thread, which stands at a stop, goes on to them. Needed with sys.monitoring,
    where it does not notice that a coroutine is resumed: without this a step into "whatever comes next" passes them by.

    What it has switched off in them on the way was switched on again by the stop (`restart_events`, 50 us, which is not repeated here).
    """
    if not uses_monitoring():
        return
    enable = module("_pydevd_sys_monitoring.pydevd_sys_monitoring").enable_code_tracing
    info = thread_info(thread)
    seen = set()
    command = info.pydev_step_cmd
    info.pydev_step_cmd = CMD_STEP_INTO  # for a step over, pydevd would look at its one frame only
    try:
        for frame in frames:
            if id(frame.f_code) not in seen:
                seen.add(id(frame.f_code))
                enable(thread.ident, frame.f_code, frame)
    finally:
        info.pydev_step_cmd = command


def _trace_again(py_db, thread, frame):
    if frame is not None:
        py_db.set_trace_for_frame_and_parents(thread.ident, frame)
    if uses_monitoring():
        monitoring = module("_pydevd_sys_monitoring.pydevd_sys_monitoring")
        monitoring.update_monitor_events(suspend_requested=True)
        monitoring.restart_events()


def set_trace(function):
    """Sets the calling thread's trace function without pydevd's warning to programs that do so."""
    module("pydevd_tracing").SetTrace(function)
