"""Long walks on the probe's thread, a slice at a time, so that the program's loop never waits for it longer than a slice.

Whoever holds the GIL is asked to hand it over only after 5 ms (`sys.getswitchinterval`), so work is cut by hand. But to get
it back from a busy program costs both sides 1 to 4 ms of CPU in futile wake-ups (each system call of the program lets it go for
a moment), so there is no rest before a slice is used up, and what counts is this thread's CPU, not the time it stood in line.
For the same reason whatever this thread does while a program is busy makes few system calls: each of them lets go of the GIL
(`os.listdir` does for every entry).
"""

import time

#: ns of this thread's CPU; where that is not told finely (Windows), of time.
clock = time.thread_time_ns if time.get_clock_info("thread_time").resolution < 1e-5 else time.perf_counter_ns
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
    end = clock() + SLICE_NS
    for at in range(0, len(items), _EVERY):
        for item in items[at : at + _EVERY]:
            yield item
        item = None
        if clock() > end:
            rest()
            end = clock() + SLICE_NS


def rest():
    """Lets the program run for a moment."""
    time.sleep(REST_S)
    for callback in rests:
        callback()
