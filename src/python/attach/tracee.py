"""
One thread of another process under ptrace (Linux, x86-64): stop it, call functions in it, give it back as it was.

The registers are kept whole, the extended state in the size that the kernel says: with a fixed size writing it back fails on
processors with newer extensions ("Couldn't write extended state status" in gdb).
"""

import ctypes
import errno
import os
import signal
import struct

PTRACE_CONT, PTRACE_GETREGS, PTRACE_SETREGS, PTRACE_DETACH = 7, 12, 13, 17
PTRACE_GETREGSET, PTRACE_SETREGSET, PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4204, 0x4205, 0x4206, 0x4207
PTRACE_EVENT_STOP = 128
NT_X86_XSTATE = 0x202
WALL = 0x40000000
#: Much more than any processor's extended state, bytes.
XSTATE_ROOM = 1 << 16
#: Below the stack pointer a function may keep data without saying so.
RED_ZONE = 128
#: A call returns to this address, where nothing is: the fault tells that it is over.
NOWHERE = 0
DIRECTION_FLAG = 1 << 10
ERESTART_RESTARTBLOCK = 516

#: `struct user_regs_struct`
NAMES = (
    "r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax rip cs eflags rsp ss fs_base gs_base ds es fs gs"
).split()
LAYOUT = "<%dQ" % len(NAMES)
ARGUMENTS = ("rdi", "rsi", "rdx", "rcx", "r8", "r9")

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.restype = ctypes.c_long
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


class _Vector(ctypes.Structure):
    _fields_ = [("base", ctypes.c_void_p), ("length", ctypes.c_size_t)]


class TraceeGone(Exception):
    """The process ended."""


def ptrace(request, pid, address=None, data=None):
    """:raises OSError: what the kernel said; ProcessLookupError when the process is gone or runs"""
    if libc.ptrace(request, pid, address, data) == -1:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def signed(value):
    return value - (1 << 64) if value >> 63 else value


class Tracee:
    """The main thread of a process. A context manager: on leaving it runs on, whatever happened."""

    def __init__(self, pid):
        self.pid = pid
        self.stopped = False
        #: A signal that came meanwhile and that the program is yet to get.
        self._pending = 0

    def __enter__(self):
        ptrace(PTRACE_SEIZE, self.pid)
        return self

    def __exit__(self, *_):
        try:
            if not self.stopped:
                self.stop()
            ptrace(PTRACE_DETACH, self.pid, None, self._pending)
        except (OSError, TraceeGone):
            pass  # it has ended; a tracer's end detaches as well

    def stop(self):
        ptrace(PTRACE_INTERRUPT, self.pid)
        while True:
            stop_signal, event = self._wait()
            if event == PTRACE_EVENT_STOP:
                return
            self._resume(stop_signal)

    def resume(self):
        pending, self._pending = self._pending, 0
        self._resume(pending)

    def registers(self):
        buffer = ctypes.create_string_buffer(struct.calcsize(LAYOUT))
        ptrace(PTRACE_GETREGS, self.pid, None, ctypes.addressof(buffer))
        return dict(zip(NAMES, struct.unpack(LAYOUT, buffer.raw)))

    def call(self, function, *arguments, data=b""):
        """
        Calls `function` of the stopped thread and returns its result (64 bits). With `data` its address, on the thread's stack, is
        the first argument. The thread is stopped again afterwards, all registers as they were.
        """
        before = self.registers()
        extended = self._extended_state()
        registers = dict(before)
        stack = (before["rsp"] - RED_ZONE - len(data)) & ~63
        if data:
            self.write(stack, data)
            arguments = (stack,) + arguments
        stack -= 8
        self.write(stack, struct.pack("<Q", NOWHERE))
        registers.update(zip(ARGUMENTS, arguments))
        registers.update(
            rip=function,
            rsp=stack,
            rax=0,
            orig_rax=(1 << 64) - 1,  # no system call is to be restarted here
            eflags=before["eflags"] & ~DIRECTION_FLAG,
        )
        try:
            self._set_registers(registers)
            return self._run_to_return()
        finally:
            if signed(before["rax"]) == -ERESTART_RESTARTBLOCK and signed(before["orig_rax"]) >= 0:
                # What the kernel kept to restart that call may be overwritten by ours: interrupted, then, as by a signal.
                before["rax"] = (1 << 64) - errno.EINTR
            self._set_registers(before)
            self._set_extended_state(extended)

    # --- inside ------------------------------------------------------------------------------------------------------

    def _run_to_return(self):
        self._resume(0)
        while True:
            stop_signal, event = self._wait()
            if event == 0 and stop_signal == signal.SIGSEGV:
                registers = self.registers()
                if registers["rip"] == NOWHERE:
                    return registers["rax"]
            self._resume(0 if event else stop_signal)

    def _resume(self, stop_signal):
        self.stopped = False
        ptrace(PTRACE_CONT, self.pid, None, stop_signal)

    def _wait(self):
        """`(signal, event)` of the thread's next stop."""
        _, status = os.waitpid(self.pid, WALL)
        if not os.WIFSTOPPED(status):
            raise TraceeGone("process %d ended" % self.pid)
        self.stopped = True
        return os.WSTOPSIG(status), status >> 16

    def _set_registers(self, registers):
        buffer = ctypes.create_string_buffer(struct.pack(LAYOUT, *(registers[name] for name in NAMES)))
        ptrace(PTRACE_SETREGS, self.pid, None, ctypes.addressof(buffer))

    def _extended_state(self):
        buffer = ctypes.create_string_buffer(XSTATE_ROOM)
        vector = _Vector(ctypes.addressof(buffer), XSTATE_ROOM)
        ptrace(PTRACE_GETREGSET, self.pid, NT_X86_XSTATE, ctypes.addressof(vector))
        return buffer.raw[: vector.length]

    def _set_extended_state(self, state):
        buffer = ctypes.create_string_buffer(state, len(state))
        vector = _Vector(ctypes.addressof(buffer), len(state))
        ptrace(PTRACE_SETREGSET, self.pid, NT_X86_XSTATE, ctypes.addressof(vector))

    def write(self, address, data):
        with open("/proc/%d/mem" % self.pid, "r+b", buffering=0) as memory:
            memory.seek(address)
            memory.write(data)
