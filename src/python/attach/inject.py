"""
Runs Python code in a running Python process (Linux, x86-64), for attach by process id. It takes the place of `gdb` in debugpy's own
attach and understands the one command line that debugpy gives: needs no gdb, works where an older gdb cannot write the registers of
a newer processor, and waits for a moment when the main thread may be borrowed. What it cannot do goes to the real gdb, if there is one.

Called as `inject.py REAL_GDB_OR_EMPTY ARGUMENTS-OF-GDB…`. Exit code 0: the code was run, or is about to.
"""

import errno
import os
import platform
import re
import signal
import sys
import tempfile
import time

import elf
import tracee

#: System calls (x86-64) that wait without a lock of the C library and with the interpreter's lock released.
WAITS = {
    *(0, 7, 23, 42, 43, 45, 47),  # read, poll, select, connect, accept, recvfrom, recvmsg
    *(34, 35, 61, 219, 230, 232, 247),  # pause, nanosleep, wait4, restarted one, clock_nanosleep, epoll_wait, waitid
    *(270, 271, 281, 288, 426, 441),  # pselect6, ppoll, epoll_pwait, accept4, io_uring_enter, epoll_pwait2
}
FUTEX = 202
#: How long a good moment is looked for, s, and the pause between two looks.
PATIENCE_S = 2.0
LOOK_S = 0.005
#: Looks that find the same futex in a row, until it counts as one that is really waited for (not the interpreter's lock).
SAME_FUTEX = 20

PYTHON = ("PyGILState_Ensure", "PyGILState_Release", "PyRun_SimpleString", "Py_AddPendingCall", "Py_IsInitialized")
PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS = 3, 0x22


class CannotInject(Exception):
    """Nothing was changed in the process; the text is for the user."""


def symbols(pid):
    """Addresses of what is called. :raises CannotInject:"""
    found = {}
    try:
        files = elf.mapped_files(pid)
    except FileNotFoundError:
        raise CannotInject("There is no process %d." % pid) from None
    except PermissionError:
        raise CannotInject(not_permitted(pid)) from None
    for mapping in files:
        if PYTHON[0] not in found:
            found.update(elf.functions(mapping, PYTHON))
        if "mmap" not in found and re.search(r"/(libc[.-]|ld-musl)", mapping.path):
            found.update(elf.functions(mapping, ("mmap",)))
    if any(name not in found for name in PYTHON):
        raise CannotInject(
            "Process %d is no CPython program that can be attached to: it exports no Python functions." % pid
        )
    return found


def not_permitted(pid):
    try:
        with open("/proc/sys/kernel/yama/ptrace_scope") as file:
            scope = file.read().strip()
    except OSError:
        scope = "0"
    if scope in ("1", "2"):
        step = 'Allow it with "sudo sysctl kernel.yama.ptrace_scope=0",'
    else:
        step = "It must be a program of the same user, and a container needs the capability SYS_PTRACE (docker run --cap-add=SYS_PTRACE),"
    return (
        "The system does not permit to attach to process %d. %s "
        "or start the program with `python -m debugpy --listen 5678 …` and attach by host and port." % (pid, step)
    )


def inject(pid, code):
    """Runs `code` in the main thread of process `pid`. :raises CannotInject:"""
    found = symbols(pid)
    try:
        with tracee.Tracee(pid) as thread:
            if borrow(thread):
                run(thread, found, code)
            else:
                queue(thread, found, code)
    except tracee.TraceeGone as gone:
        raise SystemExit("Attach failed: %s." % gone) from None
    except PermissionError:
        raise CannotInject(not_permitted(pid)) from None
    except ProcessLookupError:
        raise CannotInject("There is no process %d." % pid) from None


def borrow(thread):
    """Stops the thread where it only waits; False (stopped all the same) when it never does."""
    end = time.monotonic() + PATIENCE_S
    same, place = 0, None
    while True:
        thread.stop()
        registers = thread.registers()
        call = tracee.signed(registers["orig_rax"])
        if call in WAITS:
            return True
        here = (registers["rsp"], registers["rdi"]) if call == FUTEX else None
        same = same + 1 if here is not None and here == place else 0
        place = here
        if same >= SAME_FUTEX:
            return True
        if time.monotonic() > end:
            return False
        thread.resume()
        time.sleep(LOOK_S)


def run(thread, found, code):
    if not thread.call(found["Py_IsInitialized"]) & 0xFFFFFFFF:
        raise CannotInject("Process %d has not started its Python interpreter yet, or is ending." % thread.pid)
    state = thread.call(found["PyGILState_Ensure"]) & 0xFFFFFFFF
    try:
        thread.call(found["PyRun_SimpleString"], data=code + b"\0")
    finally:
        thread.call(found["PyGILState_Release"], state)


def queue(thread, found, code):
    """The thread never rests, so it holds the interpreter's lock or waits for it: it runs the code itself between two instructions."""
    if "mmap" not in found:
        raise CannotInject("The C library of process %d was not recognised." % thread.pid)
    size = len(code) + 1
    memory = thread.call(found["mmap"], 0, size, PROT_READ_WRITE, MAP_PRIVATE_ANONYMOUS, (1 << 64) - 1, 0)
    if tracee.signed(memory) in (-1, 0):
        raise CannotInject("Process %d has no memory left." % thread.pid)
    thread.write(memory, code + b"\0")
    if thread.call(found["Py_AddPendingCall"], found["PyRun_SimpleString"], memory) & 0xFFFFFFFF:
        raise CannotInject("Process %d takes no more pending calls." % thread.pid)


def leave_to_interpreter(pid, code):
    """CPython 3.14 and later: its main thread runs `code` when it next runs Python. True when that was arranged."""
    if not hasattr(sys, "remote_exec"):
        return False
    with tempfile.NamedTemporaryFile(suffix=".py", delete=False) as file:
        file.write(code + b"\nimport os; os.remove(%a)\n" % file.name)
    try:
        sys.remote_exec(pid, file.name)
    except Exception:  # another version, no permission, switched off: the reason that was found before says more
        os.remove(file.name)
        return False
    return True


def parse(arguments):
    """`(pid, code)` of debugpy's gdb command line, or None for any other."""
    text = "\n".join(arguments)
    pid = re.search(r"^--pid[=\n](\d+)$", text, re.M)
    code = re.search(r'^--eval-command=call \(int\)DoAttach\(\d, "([^"\n]*)", \d\)$', text, re.M)
    return (int(pid.group(1)), code.group(1).encode()) if pid and code else None


def main(real_gdb, arguments):
    request = parse(arguments)
    problem = "This command is not one that debugpy gives."
    if request and platform.machine() in ("x86_64", "AMD64") and sys.maxsize > 2**32:
        # Ended in the middle of a call it would take the program with it.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        try:
            inject(*request)
            print("Attached to process %d." % request[0])
            return 0
        except CannotInject as error:
            problem = str(error)
            if leave_to_interpreter(*request):
                return 0
        except OSError as error:
            problem = "Attach failed: %s." % (error if error.errno != errno.EIO else "the kernel refused")
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
    elif request:
        problem = "Without gdb attach by process id works on x86-64 only. Install gdb."
    print("attach: " + problem, file=sys.stderr, flush=True)  # the adapter looks for this line
    if real_gdb:
        os.execv(real_gdb, [real_gdb] + arguments)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
