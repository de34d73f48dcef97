from . import _ah_core as core
def note_wrong_loop(obj, what, running, expected, frame): pass
def install(o): pass
