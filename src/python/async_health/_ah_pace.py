"""Long walks on the probe's thread, a slice at a time, so that the program's loop never waits for it longer than a slice.

Whoever holds the GIL is asked to hand it over only after 5 ms (`sys.getswitchinterval`), so work is cut by hand.
"""

import time

_clock = time.perf_counter_ns
SLICE_NS = 350_000
REST_S = 0.0005
#: Items between two looks at the clock.
_EVERY = 32

#: Called, with the program running, at each rest of a walk: the sender's way to keep the buffer short.
rests = []


def paced(items):
    """The items of a list (a copy that nobody changes), with a rest whenever a slice is used up.

    While it rests the program goes on: what an item stands for may be gone when the walk goes on.
    """
    end = _clock() + SLICE_NS
    for at in range(0, len(items), _EVERY):
        for item in items[at : at + _EVERY]:
            yield item
        item = None
        if _clock() > end:
            rest()
            end = _clock() + SLICE_NS


def rest():
    """Lets the program run for a moment."""
    time.sleep(REST_S)
    for callback in rests:
        callback()
