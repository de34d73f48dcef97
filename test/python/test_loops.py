"""Event loops of all kinds: lag, blocks, steps; uvloop's too, and loops whose clock is the program's own."""

import importlib.util
import sys

import pytest

needs_uvloop = pytest.mark.skipif(importlib.util.find_spec("uvloop") is None, reason="uvloop is not installed")
UVLOOP = "import uvloop; asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())"


@needs_uvloop
def test_lag_of_uvloop(probe_program):
    recording = probe_program(
        """
        import asyncio, time, uvloop

        async def main():
            await asyncio.sleep(0.3)
            for _ in range(40):
                await asyncio.sleep(0)
                time.sleep(0.01)
            time.sleep(0.35)
            await asyncio.sleep(0.2)

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
        asyncio.run(main())
        """
    )
    rows = recording.named("LOOP_STAT")
    assert {(row.task, row.stack_column) for row in rows} == {(-1, -1)}  # turns and ready callbacks are not known
    # The beat that waits through the block was sent at most one rest and one look after the last one.
    assert 200e6 < max(row.aux for row in rows) < 2e9
    assert not recording.notes_of("hook-removed")


@needs_uvloop
def test_a_busy_uvloop_that_goes_on_is_not_blocked(probe_program):
    recording = probe_program(
        """
        import asyncio, time, uvloop

        async def main():
            end = time.monotonic() + 0.8
            while time.monotonic() < end:
                await asyncio.sleep(0)

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
        asyncio.run(main())
        """,
        thresholds={"blockedLoopMs": 200},
    )
    assert not recording.named("LOOP_BLOCK")


@needs_uvloop
def test_a_callback_that_blocks_uvloop(probe_program):
    recording = probe_program(
        """
        import asyncio, time, uvloop

        def slow():
            time.sleep(0.5)

        async def main():
            await asyncio.sleep(0.2)
            asyncio.get_running_loop().call_soon(slow)
            await asyncio.sleep(0.2)

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
        asyncio.run(main())
        """
    )
    blocks = recording.named("LOOP_BLOCK")
    assert blocks and blocks[0].task == 0 and blocks[0].stack[0][1] == "slow"
    assert len(recording.named("LOOP_BLOCK_END")) == 1


@needs_uvloop
def test_the_beats_change_nothing(probe_program, plain_program):
    source = """
        import asyncio, contextvars, threading, time, uvloop, warnings

        variable = contextvars.ContextVar("variable", default="unset")

        async def main(order):
            variable.set("main")
            loop = asyncio.get_running_loop()
            for number in range(20):
                loop.call_soon(order.append, number)
                await asyncio.sleep(0.01)
                order.append(variable.get())

        def thread(order):
            loop = uvloop.new_event_loop()
            loop.run_until_complete(main(order))
            loop.close()

        warnings.simplefilter("ignore", DeprecationWarning)  # 3.14 and later: of policies
        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
        orders = [[], []]
        other = threading.Thread(target=thread, args=(orders[1],))
        other.start()
        asyncio.run(main(orders[0]))
        other.join()
        began = time.monotonic()
        loop = uvloop.new_event_loop()
        loop.run_until_complete(asyncio.sleep(0))  # ends at once, beats or not
        loop.close()
        print(orders, time.monotonic() - began < 1)
        """
    recording = probe_program(source)
    assert (recording.stdout, recording.stderr) == plain_program(source)[:2]
    assert not recording.notes_of("hook-removed")


STEPS = """
    import asyncio, time
    {use}
    async def busy():
        for _ in range(10):
            await asyncio.sleep(0)
            time.sleep(0.002)

    async def main():
        await asyncio.gather(asyncio.ensure_future(busy()), asyncio.ensure_future(busy()))
        await asyncio.sleep(0.1)

    asyncio.run(main())
"""


@pytest.mark.parametrize("use", ["", pytest.param(UVLOOP, marks=needs_uvloop)])
def test_steps_and_scheduling_times_at_full(probe_program, use):
    recording = probe_program(STEPS.format(use=use), detail="full")
    task = recording.task_running("busy").obj
    steps = recording.named("TASK_STEPS", obj=task)[-1]
    scheduling = recording.named("TASK_SCHED", obj=task)[-1]
    assert 10 <= steps.task <= 12 and steps.aux >= 20e6 and steps.stack_column >= 2e6
    assert 10 <= scheduling.task <= 12 and scheduling.aux >= 10e6
    assert not recording.notes_of("hook-removed")


def test_tasks_of_a_single_step_have_their_figures_too(probe_program):
    recording = probe_program(
        """
        import asyncio, sys, time

        async def once():
            time.sleep(0.002)

        async def resumed():
            await asyncio.sleep(0.01)
            time.sleep(0.002)

        async def main():
            await asyncio.ensure_future(once())
            if sys.version_info >= (3, 12):
                asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
            await asyncio.ensure_future(resumed())

        asyncio.run(main())
        """,
        detail="full",
    )
    for function in ("once", "resumed"):
        steps = recording.named("TASK_STEPS", obj=recording.task_running(function).obj)[-1]
        # The first step of an eager task is part of its creator's.
        assert steps.task == (2 if function == "resumed" and sys.version_info < (3, 12) else 1)
        assert steps.aux >= 2e6 and steps.stack_column >= 2e6
    assert not recording.notes_of("hook-removed")


@needs_uvloop
def test_steps_of_uvloop_follow_the_level(probe_program):
    recording = probe_program(
        """
        import asyncio, sys, uvloop

        core = sys.modules["async_health._ah_core"]
        plain = uvloop.Loop.call_soon

        async def main():
            for level in ("full", "standard", "full", "light"):
                core.set_detail(level)
                assert (uvloop.Loop.call_soon is plain) == (level != "full"), level
                assert ("call_soon" in vars(uvloop.Loop)) == (level == "full")
                await asyncio.sleep(0.02)
            print('["same"]')

        asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
        asyncio.run(main())
        """
    )
    assert recording.printed() == [["same"]]


def test_a_block_in_a_loop_with_a_clock_of_its_own(probe_program):
    recording = probe_program(
        """
        import asyncio, time

        class Simulated(asyncio.SelectorEventLoop):
            now = 1.0

            def time(self):
                self.now += 40.0
                return self.now

        async def main():
            for _ in range(50):
                await asyncio.sleep(0)
            time.sleep(0.4)
            await asyncio.sleep(0)

        loop = Simulated()
        loop.run_until_complete(main())
        loop.close()
        """
    )
    assert not recording.named("LOOP_SLOW_TURN")
    (end,) = recording.named("LOOP_BLOCK_END")
    assert 0.3e9 < end.aux < 2e9


def test_a_clock_that_is_replaced_for_a_while(probe_program):
    recording = probe_program(
        """
        import asyncio
        from unittest import mock

        async def turns():
            for _ in range(20):
                await asyncio.sleep(0)

        loop = asyncio.new_event_loop()
        for value in (0.0, 5.0, 1e9):
            with mock.patch("asyncio.base_events.time") as time:
                time.monotonic.return_value = value
                loop.run_until_complete(turns())
            loop.run_until_complete(turns())

        async def within():
            loop.time = lambda: 10.0
            await turns()
            del loop.time
            await turns()
            loop.time = lambda: 1e12
            await turns()
            del loop.time
            await turns()

        loop.run_until_complete(within())
        loop.close()
        """
    )
    assert not recording.named("LOOP_SLOW_TURN") and not recording.named("LOOP_BLOCK")
    assert not recording.notes_of("hook-removed")


def test_how_much_of_a_block_the_collector_ran_by_itself(probe_program):
    source = """
        import asyncio, gc, sys

        async def fill():
            gc.disable()
            kept = [[] for _ in range(1_500_000)]
            await asyncio.sleep(0.1)
            return kept

        async def allocates():
            gc.set_threshold(700, 1, 1)
            gc.enable()
            return [[] for _ in range(5_000)]

        async def asks():
            gc.%s()

        async def main():
            kept = await fill()
            await %s()
            await asyncio.sleep(0.1)

        asyncio.run(main())
    """
    by_itself = probe_program(source % ("collect", "allocates"), thresholds={"blockedLoopMs": 10})
    asked = probe_program(source % ("collect", "asks"), thresholds={"blockedLoopMs": 10})
    assert not by_itself.notes_of("hook-removed")

    def told(recording, function):
        """(length of the block, of it by the collector) in ns, of the blocks of that function."""
        found = []
        for before, row in zip(recording.rows, recording.rows[1:]):
            if row.name == "LOOP_BLOCK_END" and row.stack[0][1].split(".")[-1] in (function, "<listcomp>"):
                collected = before.aux if before.name == "LOOP_COLLECTED" and before.obj == row.obj else 0
                found.append((row.aux, collected))
        return found

    if sys.version_info < (3, 14):  # since then collections are incremental, or short at least
        assert any(length * 0.5 < collected <= length for length, collected in told(by_itself, "allocates"))
    blocks = told(asked, "asks")
    assert blocks and all(collected == 0 for _length, collected in blocks)
