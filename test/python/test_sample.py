"""What tasks wait for and who awaits them, loops and what blocks them: as seen from the probe's own thread."""

import importlib.util
import sys

import pytest
from conftest import wire

WAITS = """
import asyncio, time
async def sleeps(seconds=3):
    await asyncio.sleep(seconds)
async def main():
    loop = asyncio.get_running_loop()
    held = asyncio.Lock()
    await held.acquire()
    event = asyncio.Event()
    queue = asyncio.Queue()
    full = asyncio.Queue(1)
    full.put_nowait(1)
    semaphore = asyncio.Semaphore(0)
    condition = asyncio.Condition()
    async def in_lock(): await held.acquire()
    async def in_event(): await event.wait()
    async def in_get(): await queue.get()
    async def in_put(): await full.put(2)
    async def in_join(): await full.join()
    async def in_semaphore(): await semaphore.acquire()
    async def in_condition():
        async with condition:
            await condition.wait()
    async def in_executor(): await loop.run_in_executor(None, time.sleep, 1)
    async def in_shield(): await asyncio.shield(sleeps())
    async def in_wait(): await asyncio.wait([asyncio.ensure_future(sleeps())])
    async def in_gather(): await asyncio.gather(sleeps(), sleeps())
    async def in_as_completed():
        for future in asyncio.as_completed([sleeps(), sleeps()]):
            await future
    async def in_task(): await asyncio.create_task(sleeps())
    async def in_wait_for(): await asyncio.wait_for(sleeps(), 5)
    async def in_future(): await loop.create_future()
    async def in_read():
        kept = []  # 3.13 closes the connection of a writer that is dropped
        server = await asyncio.start_server(lambda *ends: kept.append(ends), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        await reader.read(1)
    functions = [in_lock, in_event, in_get, in_put, in_join, in_semaphore, in_condition, in_executor, in_shield, in_wait,
                 in_gather, in_as_completed, in_task, in_wait_for, in_future, in_read]
    if hasattr(asyncio, "TaskGroup"):
        async def in_group():
            async with asyncio.TaskGroup() as group:
                group.create_task(sleeps())
        functions.append(in_group)
    tasks = [asyncio.create_task(function(), name=function.__name__) for function in functions]
    await asyncio.sleep(1.2)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
asyncio.run(main())
"""

KINDS = {
    "in_lock": wire.WAIT_LOCK,
    "in_event": wire.WAIT_EVENT,
    "in_get": wire.WAIT_QUEUE_GET,
    "in_put": wire.WAIT_QUEUE_PUT,
    "in_join": wire.WAIT_QUEUE_JOIN,
    "in_semaphore": wire.WAIT_SEMAPHORE,
    "in_condition": wire.WAIT_CONDITION,
    "in_executor": wire.WAIT_EXECUTOR,
    "in_shield": wire.WAIT_SHIELD,
    "in_wait": wire.WAIT_WAIT_SET,
    "in_as_completed": wire.WAIT_WAIT_SET,
    "in_gather": wire.WAIT_GATHER,
    "in_task": wire.WAIT_TASK,
    "in_future": wire.WAIT_FUTURE,
    "in_read": wire.WAIT_IO,
}
VIAS = {
    "in_shield": wire.VIA_SHIELD,
    "in_wait": wire.VIA_WAIT_SET,
    "in_gather": wire.VIA_GATHER,
    "in_as_completed": wire.VIA_WAIT_SET,
    "in_task": wire.VIA_AWAIT,
}


def test_waits_and_awaiters(probe_program):
    recording = probe_program(WAITS)
    expected = dict(KINDS)
    vias = dict(VIAS)
    if sys.version_info >= (3, 11):
        expected["in_group"] = wire.WAIT_GROUP
        vias["in_group"] = wire.VIA_TASK_GROUP
    if sys.version_info < (3, 12):  # since then wait_for runs in the same task
        vias["in_wait_for"] = wire.VIA_WAIT_FOR
    births = {}
    for row in recording.named("TASK_NEW"):
        births.setdefault(row.text.split(".")[-1], row)
    for name, kind in expected.items():
        kinds = [row.aux for row in recording.named("TASK_WAIT", obj=births[name].obj)]
        assert kind in kinds, (name, kinds)
        rows = [row for row in recording.named("TASK_WAIT", obj=births[name].obj) if row.aux == kind]
        assert name in [frame[1].split(".")[-1] for frame in rows[0].stack]
    queues = {row.obj for row in recording.named("LOCK_NEW") if row.aux == wire.LOCK_QUEUE}
    assert len(queues) == 2  # the one of as_completed is asyncio's own
    for name, via in vias.items():
        assert via in [row.aux for row in recording.named("TASK_AWAITED_BY", task=births[name].obj)], name
    if sys.version_info >= (3, 11):
        group = recording.named("SCOPE_ENTER", task=births["in_group"].obj)[0]
        wait = [row for row in recording.named("TASK_WAIT", obj=births["in_group"].obj) if row.aux == wire.WAIT_GROUP]
        assert wait[0].task == group.obj


def test_only_changes_are_sent(probe_program):
    recording = probe_program(
        """
        import asyncio
        async def waits():
            await asyncio.sleep(2)
        async def main():
            await asyncio.gather(*[waits() for _ in range(50)])
        asyncio.run(main())
        """
    )
    tasks = [row.obj for row in recording.named("TASK_NEW") if row.text == "waits"]
    for task in tasks:
        assert len([row for row in recording.named("TASK_WAIT", obj=task) if row.aux == wire.WAIT_SLEEP]) == 1
        assert len(recording.named("TASK_AWAITED_BY", obj=task)) == 1


def test_many_tasks_do_not_stall_the_loop(probe_program):
    """20,000 live tasks: the longest gap that the probe adds stays small (a plain pass over them takes 60 ms)."""
    recording = probe_program(
        """
        import asyncio, json, time
        async def waits():
            await asyncio.sleep(3)
        async def main():
            tasks = [asyncio.create_task(waits()) for _ in range(20000)]
            await asyncio.sleep(0.2)
            gaps = []
            end = time.perf_counter() + 1.5
            last = time.thread_time()
            while time.perf_counter() < end:
                await asyncio.sleep(0)
                now = time.perf_counter()
                gaps.append(now)
            gaps = sorted(b - a for a, b in zip(gaps, gaps[1:]))
            print(json.dumps([gaps[len(gaps) * 99 // 100]]))
            for task in tasks:
                task.cancel()
        asyncio.run(main())
        """,
        tickMs=100,
    )
    seen = {row.obj for row in recording.named("TASK_WAIT")}
    assert len(seen) > 1000
    assert recording.printed()[0][0] < 0.05  # generous: machines of tests are busy


@pytest.mark.parametrize("loop", ["asyncio"] + (["uvloop"] if importlib.util.find_spec("uvloop") else []))
def test_a_blocked_loop_with_its_stack(probe_program, loop):
    recording = probe_program(
        """
        import asyncio, time
        %s
        def crunch():
            time.sleep(0.4)
        async def blocker():
            await asyncio.sleep(0.05)
            crunch()
        async def main():
            await asyncio.create_task(blocker())
            await asyncio.sleep(0.1)
        asyncio.run(main())
        """
        % ("import uvloop; asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())" if loop == "uvloop" else "")
    )
    blocks = recording.named("LOOP_BLOCK")
    blocker = recording.task_running("blocker").obj
    assert blocks and {row.task for row in blocks} == {blocker}
    assert [frame[1] for frame in blocks[0].stack[:2]] == ["crunch", "blocker"]
    (end,) = recording.named("LOOP_BLOCK_END")
    assert end.task == blocker and 0.3e9 < end.aux < 2e9
    # Told while it lasts, not after.
    assert blocks[0].t < end.t - 150e6
    assert recording.named("LOOP_NEW")[0].text == loop
    assert recording.named("LOOP_END")


def test_a_slow_turn_of_quick_callbacks(probe_program):
    recording = probe_program(
        """
        import asyncio, time
        async def small():
            time.sleep(0.02)
        async def main():
            await asyncio.gather(*[small() for _ in range(15)])
            await asyncio.sleep(0.05)
        asyncio.run(main())
        """
    )
    assert recording.named("LOOP_BLOCK") == []
    slow = recording.named("LOOP_SLOW_TURN")
    assert len(slow) == 1 and slow[0].task >= 15 and slow[0].aux >= 300e6
    assert max(row.aux for row in recording.named("LOOP_STAT")) >= 200e6


def test_gc_keeps_nothing_alive(probe_program):
    recording = probe_program(
        """
        import asyncio, gc, weakref, json
        class Thing:
            pass
        async def works(thing):
            await asyncio.sleep(0.1)
            return thing
        async def fails(thing):
            await asyncio.sleep(0.05)
            raise ValueError(thing)
        async def main():
            things = [Thing(), Thing()]
            references = [weakref.ref(thing) for thing in things]
            tasks = [asyncio.create_task(works(things[0])), asyncio.create_task(fails(things[1]))]
            references += [weakref.ref(task) for task in tasks]
            del things
            await asyncio.gather(*tasks, return_exceptions=True)
            del tasks
            await asyncio.sleep(0.1)
            gc.collect()
            return [reference() is None for reference in references]
        print(json.dumps(asyncio.run(main())))
        """
    )
    assert recording.printed() == [[True] * 4]


def test_a_loop_with_a_clock_of_its_own_has_no_slow_turns(probe_program):
    recording = probe_program(
        """
        import asyncio

        class Simulated(asyncio.SelectorEventLoop):
            now = 0.0

            def time(self):
                self.now += 40.0  # every look is later by much
                return self.now

        async def main():
            for _ in range(50):
                await asyncio.sleep(0)

        loop = Simulated()
        loop.run_until_complete(main())
        loop.close()
        """
    )
    assert not recording.named("LOOP_SLOW_TURN")
    assert all(row.aux == 0 for row in recording.named("LOOP_STAT"))
    assert not recording.notes_of("hook-removed")
