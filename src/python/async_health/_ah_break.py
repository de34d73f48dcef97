"""Several breakpoints on one line: pydevd keeps one per line, so the adapter sends one whose condition asks here.

The adapter registers a line's parts by RPC `break.define` and gives debugpy the condition `_ah_break.check(number, globals(), locals())`.
Each part has its own condition, hit count and log message, and may belong to an operation. A part's rules are debugpy's own: it
stops when its hit count says so, else when its condition holds; without either, always. A log point writes instead of stopping.
"""

from . import _ah_core as core
from . import _ah_isolation as isolation
from . import _ah_pydevd as pydevd


def install(options):
    core.on_start(_again)


def _again():
    _lines.clear()
    _hits.clear()


class _Part(object):
    __slots__ = ("id", "condition", "hit", "log", "operation")

    def __init__(self, given):
        self.id = given["id"]
        self.operation = given.get("operation")
        self.condition = _compiled(given.get("condition"))
        self.hit = _compiled(given.get("hit"))
        log = given.get("log")
        self.log = _compiled(pydevd.log_expression(log)) if log else None


def _compiled(text):
    return compile(text, "<breakpoint>", "eval") if text else None


#: number -> parts of a line
_lines = {}
#: part id -> how often it was passed; survives updates of the file
_hits = {}


@core.rpc("break.define")
def define(params):
    """
    :param lines: `[{number, parts: [{id, condition?, hit?, log?, operation?}]}]`; `hit` is a Python expression of `hits`.
    :param drop: numbers that are gone.
    :param forget: part ids whose hit counts are to be dropped.
    :return: `{errors: {part id: text}}` of conditions that do not compile; such a part never stops.
    """
    errors = {}
    for line in params.get("lines") or ():
        parts = []
        for given in line["parts"]:
            try:
                parts.append(_Part(given))
            except (SyntaxError, ValueError) as error:
                errors[given["id"]] = core._describe(error)
        _lines[line["number"]] = parts
    for number in params.get("drop") or ():
        _lines.pop(number, None)
    for part in params.get("forget") or ():
        _hits.pop(part, None)
    return {"errors": errors}


def check(number, global_values, local_values):
    """
    Whether to stop, asked by debugpy on the thread that passes the line. A condition that fails stops, as with debugpy, so that it is
    noticed; the error is shown.
    """
    stopping = []
    for part in _lines.get(number, ()):
        if part.operation is not None and not isolation.in_operation(part.operation):
            continue
        stops = part.hit is None and part.condition is None
        if part.hit is not None:
            hits = _hits[part.id] = _hits.get(part.id, 0) + 1
            stops = bool(eval(part.hit, {"hits": hits}))
        if not stops and part.condition is not None:
            try:
                stops = bool(eval(part.condition, global_values, local_values))
            except Exception as error:
                pydevd.console("A breakpoint's condition failed: %s\n" % core._describe(error))
                stops = True
        if not stops:
            continue
        if part.log is not None:
            try:
                text = eval(part.log, global_values, local_values)
            except Exception as error:
                text = core._describe(error)
            pydevd.write_output("%s\n" % (text,))
        else:
            stopping.append(part.id)
    if stopping:
        core.ask_adapter("breakpointHit", {"parts": stopping})
    return bool(stopping)
