"""Where locks and events are made. Programs make events by the thousand and most are never waited for, so this is kept cheap:

a class that is not announced yet only leaves the program's line in `created`. The frames of the libraries between are passed over
by the names of their modules (3.12 and later), as an object for each frame would cost more than all else here.
"""

import sys

from . import _ah_core as core
from . import _ah_locks as locks

_state = core.state
_getframe = sys._getframe
_families = locks.families
_owners = locks.owners
_created = locks.created
_MAX = locks.MAX_CREATED

#: The name of the module of the frame at a depth, without making the frame's object.
_module_of = getattr(sys, "_getframemodulename", None)
#: How far out the program is looked for.
_REACH = 12
_PROGRAM, _LIBRARY, _UNSEEN = 0, 1, 2
_modules = {}  # name of a module -> one of these
_MAX_MODULES = 2000


def _judge(module):
    """Does a module make locks for the program, or is it a library's between the two?"""
    kind = _PROGRAM
    if module == "anyio._core._tasks":
        kind = _UNSEEN  # the event in each task's handle
    elif module is not None and module.startswith(("asyncio.", "anyio.", "trio.", "contextlib")):
        kind = _LIBRARY
    if len(_modules) > _MAX_MODULES:
        _modules.clear()
    _modules[module] = kind
    return kind


def hook_for(hook):
    """What the edited `__init__` of a library's classes call; `hook` is the name of the observation."""

    def born(lock):
        try:
            if not _state.level:
                return
            depth = 1
            if _module_of is not None:
                kind = _LIBRARY
                while kind and depth < _REACH:
                    depth += 1
                    module = _module_of(depth)
                    kind = _modules.get(module)
                    if kind is None:
                        kind = _judge(module)
                    if kind == _UNSEEN:
                        return
                family = _families.get(type(lock))
                if not kind and family is not None and not family.announced and _state.level == 1:
                    code = (frame := _getframe(depth)).f_code
                    if code.co_filename[:1] != "<" and len(_created) < _MAX:
                        key = id(lock)
                        if key in _owners:
                            del _owners[key]
                        _created[key] = code, frame.f_lasti
                        return
            born_at(lock, _getframe(depth))
        except Exception as error:
            core.fail(hook, error)

    return born


def born_at(lock, frame):
    """A lock was made by `frame`. At `light` nothing is kept; of a lock that is not announced its own line is."""
    level = _state.level
    if not level:
        return
    key = id(lock)
    if key in _owners:
        del _owners[key]
    family = _families.get(type(lock)) or locks.family_of(lock)
    if family is None:
        return
    if family.announced or level == core.FULL:
        info = locks.tracked.get(key)
        if info is None or info.ref() is not lock:
            locks.permits.pop(key, None)
            locks.hidden.pop(key, None)
            if locks.track(lock, core.current_task_id(), locks.where(frame)) is not None:
                locks.activate(locks.tracked[key])
        return
    if len(_created) >= _MAX:
        _created.clear()
    frame = locks.outside(frame)
    _created[key] = (frame.f_code, frame.f_lasti)
