"""Rows packed in the program's own thread, and the rest by the probe's: nothing lost, nothing twice, in order."""

import pytest

PROGRAM = """
import asyncio
from async_health import _ah_core as core, _ah_pack as packing

async def child():
    pass

async def main(count):
    for number in range(count):
        await asyncio.ensure_future(child())
        if number % 700 == 350:
            core.note({{"kind": "message", "level": "info", "text": "at %d" % number}})
    print([packing.waiting(), len(packing._slices)])

asyncio.run(main({count}))
"""


def _check(recording, count):
    children = [row.obj for row in recording.named("TASK_NEW") if row.text == "child"]
    assert len(children) == count
    state = {}
    for row in recording.rows:
        if row.name == "TASK_NEW":
            assert state.get(row.obj) != "alive", "twice, or its end came before it"
            state[row.obj] = "alive"
        elif row.name == "TASK_END":
            assert state[row.obj] == "alive"
            state[row.obj] = "over"
    assert set(state.values()) == {"over"}
    times = [row.t for row in recording.rows if row.name in ("TASK_NEW", "TASK_END")]
    assert times == sorted(times) and times[0] >= 0
    notes = [row for row in recording.rows if row.name == "NOTE" and row.note.get("kind") == "message"]
    assert [row.note["text"] for row in notes] == ["at %d" % number for number in range(350, count, 700)]
    assert not recording.notes_of("hook-removed")


def test_slices_of_the_program_and_the_rest_make_one_stream(probe_program):
    recording = probe_program(PROGRAM.format(count=3000), tickMs=60_000)
    (printed,) = recording.printed()
    assert printed[0] > 6000, "nothing was sent before the end"
    assert printed[1] > 0, "the program's thread packed some of it"
    _check(recording, 3000)


def test_it_is_so_while_ticks_take_rows(probe_program):
    _check(probe_program(PROGRAM.format(count=6000), tickMs=10), 6000)


def test_a_way_out_that_is_blocked_leaves_rows_to_boil_down(probe_program):
    recording = probe_program(
        """
        import time
        from async_health import _ah_channel as channel, _ah_core as core, _ah_pack as packing
        while channel._seq == 0 or packing.waiting():  # the first tick comes at once
            time.sleep(0.05)
        for _ in range(packing._SLICES_MAX + 50):
            core.extend((1, core.now(), 1, 0, 0, 0) * packing.SLICE_ROWS)
            packing.pack_while_hot()
        print([len(packing._slices), len(core.buf) // packing.SLICE])
        packing.clear()
        """,
        tickMs=60_000,
    )
    (printed,) = recording.printed()
    assert printed == [100, 50]


@pytest.mark.parametrize("value", ["'text'", "None", "1.5", "2**70"])
def test_a_bad_value_costs_its_row_only(probe_program, value):
    recording = probe_program(
        """
        from async_health import _ah_core as core, _ah_pack as packing
        core.extend((1, core.now(), 7, 0, 0, 0) * (packing.SLICE_ROWS - 1))
        core.extend((1, core.now(), 8, 0, {value}, 0))
        packing.pack_while_hot()
        core.emit(1, 9)
        """.format(value=value)
    )
    assert len(recording.named("TASK_NEW", obj=7)) == 299
    assert len(recording.named("TASK_NEW", obj=8)) == (1 if value == "1.5" else 0)
    assert len(recording.named("TASK_NEW", obj=9)) == 1
