"""Source to syntax tree, in a process whose other threads may be doing the same.

CPython 3.11 counts the depth of a syntax tree that is turned into objects in one place for all threads, and fails with
`SystemError: AST constructor recursion depth mismatch` when two conversions overlap. They overlap only when Python code runs in
the middle of one, which is what a collection does: the probe's own callback of the collector is such code. So there the probe
parses with the collector off, and not while another thread may be held within a conversion (pytest rewrites what it imports).
"""

import ast
import gc
import sys
import time
from _thread import get_ident

#: Between two looks, s, and how many before it is tried all the same.
_REST_S = 0.002
_LOOKS = 250
#: Innermost frames looked at: the collector's callback stands right above the call that parses.
_FRAMES = 4
_AFFECTED = sys.version_info[:2] == (3, 11)


def parse(text):
    """As `ast.parse(text)`."""
    if not _AFFECTED:
        return ast.parse(text)
    interval, enabled = sys.getswitchinterval(), gc.isenabled()
    # Between the look and the parsing no other thread may get its turn; a second look, as one may have during the first.
    sys.setswitchinterval(1.0)
    try:
        for _ in range(_LOOKS):
            if not (_another_parses() or _another_parses()):
                break
            time.sleep(_REST_S)
        gc.disable()
        return compile(text, "<unknown>", "exec", ast.PyCF_ONLY_AST)
    finally:
        sys.setswitchinterval(interval)
        if enabled:
            gc.enable()


def _another_parses():
    own = get_ident()
    for ident, frame in sys._current_frames().items():
        for _ in range(_FRAMES if ident != own else 0):
            if frame is None:
                break
            code = frame.f_code
            if code.co_filename == ast.__file__ or code.co_name == "_collecting":
                return True
            frame = frame.f_back
    return False
