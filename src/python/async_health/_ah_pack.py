"""From the buffer of numbers to bytes, a slice of rows at a time.

Whoever appends also packs, where it can (`pack_while_hot`, called at the end of tasks): the numbers are still in that core's
cache then and their memory goes back to where it came from. Left to the probe's thread alone, each number travels to another core
and back; a web server's request cost a tenth more for it. The probe's thread takes the packed slices, and what is left.
"""

import _thread
import binascii
import collections
import struct
import sys
import time
from array import array

from . import _ah_core as core
from . import _ah_wire as wire
from ._ah_pace import REST_S, SLICE_NS, clock

_WIDTH = wire.ROW_WIDTH
#: Rows packed in one go.
SLICE_ROWS = 300
#: Numbers in a slice: from so many on in the buffer, `pack_while_hot` has work.
SLICE = SLICE_ROWS * _WIDTH
_pack_slice = struct.Struct("<%dq" % SLICE).pack
#: With so many slices waiting, the way out is blocked: what follows stays in the buffer, where it can be boiled down.
_SLICES_MAX = 100
#: Most that the probe's thread waits for a slice that is being packed.
_PATIENCE_S = 0.2

_slices = collections.deque()
#: Held while rows go from the buffer into a slice.
_cutting = _thread.allocate_lock()
_buf = core.buf
_state = core.state


def pack_while_hot():
    """In the program's thread: packs one slice, about 25 us, when there is one. Never waits."""
    if not _state.live or len(_slices) >= _SLICES_MAX or not _cutting.acquire(False):
        return
    try:
        chunk = _buf[:SLICE]
        if len(chunk) == SLICE and not (core.notes and wire.OP_NOTE in chunk[0::_WIDTH]):  # notes are numbered a batch
            packed = pack(chunk)
            del _buf[:SLICE]
            _slices.append(packed)
    finally:
        _cutting.release()


def waiting():
    """Rows that wait to be taken."""
    return len(_buf) // _WIDTH + len(_slices) * SLICE_ROWS


def clear():
    """Throw away what waits."""
    _slices.clear()
    del _buf[:]


def take(limit):
    """Up to `limit` rows, oldest first, as (base64 or None, notes). The program may go on adding meanwhile."""
    pieces = []
    notes = []
    while _slices and limit > 0:
        pieces.append(_slices.popleft())
        limit -= SLICE_ROWS
    # A signal's handler may have interrupted, in this very thread, one who is cutting: then the rest has to wait.
    if limit > 0 and not _slices and _cutting.acquire(True, _PATIENCE_S):
        try:
            # One cut for all: each moves what stays behind, which may be much.
            taken = [] if _slices else _buf[: limit * _WIDTH]
            del _buf[: len(taken)]
        finally:
            _cutting.release()
        end = clock() + SLICE_NS
        for at in range(0, len(taken), SLICE):
            if clock() > end:
                time.sleep(REST_S)
                end = clock() + SLICE_NS
            chunk = taken[at : at + SLICE]
            if core.notes and wire.OP_NOTE in chunk[0::_WIDTH]:
                _number_notes(chunk, notes)
            pieces.append(pack(chunk))
    return (binascii.b2a_base64(b"".join(pieces), newline=False) if pieces else None), notes


def _number_notes(chunk, notes):
    """Give the NOTE rows of `chunk` the indices of their events in `notes`, where they go."""
    for row, op in enumerate(chunk[0::_WIDTH]):
        if op == wire.OP_NOTE:
            event = core.notes.pop(chunk[row * _WIDTH + 4], None)
            chunk[row * _WIDTH + 4] = len(notes)
            notes.append(event if event is not None else {"kind": "message", "level": "info", "text": ""})


def pack(chunk):
    """Rows as little-endian int64."""
    try:
        return _pack_slice(*chunk) if len(chunk) == SLICE else struct.pack("<%dq" % len(chunk), *chunk)
    except (struct.error, TypeError, OverflowError):  # a bad value from one hook must not cost the others' rows
        values = array("q")
        for at in range(0, len(chunk), _WIDTH):
            try:
                values.extend(array("q", [int(value) for value in chunk[at : at + _WIDTH]]))
            except (TypeError, ValueError, OverflowError):
                _state.dropped_rows += 1
                values.extend(array("q", (0,) * _WIDTH))
    if sys.byteorder != "little":
        values.byteswap()
    return values.tobytes()


def after_fork_in_child():
    """Another thread of the parent may have been cutting."""
    global _cutting
    _cutting = _thread.allocate_lock()
    _slices.clear()
