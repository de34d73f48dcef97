"""Where a lock was acquired and where it is waited for, at the default level: told from the first time on."""

import sys

import pytest

HOLDERS = """
    import asyncio, contextlib

    class Plain:
        def __enter__(self):
            return self

        def __exit__(self, *error):
            pass

    async def inner(event):
        await event.wait()

    async def nested(lock, event):
        with Plain():
            async with asyncio.Lock():
                for _ in range(1):
                    try:
                        async with contextlib.AsyncExitStack(), lock:  # here
                            with Plain():
                                await inner(event)
                    finally:
                        pass

    async def direct(lock, event):
        await lock.acquire()  # here
        await inner(event)
        lock.release()

    async def helper(lock):
        await lock.acquire()  # here

    async def by_helper(lock, event):
        await helper(lock)
        await inner(event)
        lock.release()

    async def bounded(lock, event):
        await asyncio.wait_for(lock.acquire(), 5)  # here
        await inner(event)
        lock.release()

    async def condition(lock, event):
        condition = asyncio.Condition(lock)
        async with condition:  # here
            await inner(event)

    async def generator(lock, event):
        async with lock:  # here
            await inner(event)
            yield

    async def in_generator(lock, event):
        async for _ in generator(lock, event):
            pass

    async def waits(lock):
        async with lock:  # here
            pass

    kept = []

    async def main():
        for hold in (nested, direct, by_helper, bounded, condition, in_generator):
            lock, event = asyncio.Lock(), asyncio.Event()
            holder = asyncio.ensure_future(hold(lock, event))
            await asyncio.sleep(0.02)
            waiter = asyncio.ensure_future(waits(lock))
            await asyncio.sleep(0.3)
            kept.extend((lock, event, holder, waiter))  # no address is used again
            print('["%s", %d, %d, %d]' % (hold.__name__, id(lock), id(holder), id(waiter)))
            event.set()
            await asyncio.gather(holder, waiter)

    asyncio.run(main())
"""
MARKED = [at for at, line in enumerate(HOLDERS.splitlines(), 1) if "# here" in line]
LINES = dict(zip(("nested", "direct", "by_helper", "bounded", "condition", "in_generator", "waits"), MARKED))


def place_of_holder(recording, lock, task):
    """The stack told for a holder of the lock, with its row or later."""
    rows = [row for row in recording.named("LOCK_HOLD", "LOCK_PLACE") if row.obj == lock and row.task == task]
    return next((row.stack for row in rows if row.stack), [])


def test_the_places_of_holder_and_waiter(probe_program):
    recording = probe_program(HOLDERS)
    told = {}
    for name, lock, holder, waiter in recording.printed():
        told[name] = [frame[2] for frame in place_of_holder(recording, lock, holder)][:1]
        wait = [row for row in recording.named("LOCK_WAIT") if row.obj == lock and row.task == waiter][-1]
        assert wait.stack[0][1:] == ("waits", LINES["waits"]), name
    assert told == {name: [line] for name, line in LINES.items() if name != "waits"}
    assert not recording.notes_of("hook-removed") and not recording.notes_of("hook-missing")


@pytest.mark.parametrize("library", ["anyio", "trio"])
def test_the_place_of_a_holder_in_other_libraries(probe_program, library):
    recording = probe_program(
        """
        import {library} as library

        async def holds(lock):
            async with lock:  # here
                await library.sleep(0.3)

        async def waits(lock):
            await library.sleep(0.05)
            async with lock:
                pass

        async def main():
            lock = library.Lock()
            async with library.{group} as group:
                group.start_soon(holds, lock)
                group.start_soon(waits, lock)

        library.run(main)
        """.format(library=library, group="create_task_group()" if library == "anyio" else "open_nursery()")
    )
    (first, *_rest) = [row for row in recording.named("LOCK_HOLD") if row.stack]
    assert first.stack[0][1:] == ("holds", 5)


def test_the_places_of_a_semaphores_holders(probe_program):
    recording = probe_program(
        """
        import asyncio

        async def within(lock):
            async with lock:  # line 5
                await asyncio.sleep(0.3)

        async def direct(lock):
            await lock.acquire()  # line 9
            await asyncio.sleep(0.3)
            lock.release()

        async def main():
            lock = asyncio.Semaphore(2)
            holders = [asyncio.ensure_future(one(lock)) for one in (within, direct)]
            await asyncio.sleep(0)
            waiter = asyncio.ensure_future(within(lock))
            await asyncio.gather(*holders, waiter)
            print([id(lock)] + [id(one) for one in holders])

        asyncio.run(main())
        """
    )
    ((lock, within, direct),) = recording.printed()
    assert place_of_holder(recording, lock, within)[0][1:] == ("within", 5)
    assert place_of_holder(recording, lock, direct)[0][1:] == ("direct", 9)


def test_a_holder_that_has_ended_left_its_place(probe_program):
    recording = probe_program(
        """
        import asyncio

        async def forgets(lock):
            await lock.acquire()  # here

        async def main():
            lock = asyncio.Lock()
            holder = asyncio.ensure_future(forgets(lock))
            await holder
            waiter = asyncio.ensure_future(lock.acquire())
            await asyncio.sleep(0.2)
            print("[%d, %d]" % (id(lock), id(holder)))
            lock.release()
            await waiter

        asyncio.run(main())
        """
    )
    ((lock, holder),) = recording.printed()
    assert place_of_holder(recording, lock, holder)[0][1:] == ("forgets", 5)


def test_short_waits_are_counted_and_not_told(probe_program):
    recording = probe_program(
        """
        import asyncio

        async def worker(lock):
            for _ in range(500):
                async with lock:
                    await asyncio.sleep(0)

        async def main():
            lock = asyncio.Lock()
            await asyncio.gather(worker(lock), worker(lock))
            await asyncio.sleep(0.2)
            waiting = asyncio.ensure_future(lock.acquire())
            await waiting
            try:
                await asyncio.wait_for(lock.acquire(), 0.001)
            except asyncio.TimeoutError:
                pass
            await asyncio.sleep(0.2)

        asyncio.run(main())
        """,
        tickMs=100,
    )
    counts = [(row.task, row.stack_column) for row in recording.named("LOCK_WAITS")]
    told = recording.named("LOCK_WAIT")
    # One of the 500 pairs need not wait; each that waited is either counted or told.
    assert 990 <= counts[-1][0] + len(told) <= 1001
    assert counts[-1][1] <= 1
    assert len(told) < 100
    assert len(recording.named("LOCK_WAIT_END")) == len(told)


def test_reentry_inside_async_with_gets_its_first_place(probe_program):
    recording = probe_program(
        """
        import asyncio

        async def again(lock):
            async with lock:
                async with lock:  # hangs
                    pass

        async def main():
            task = asyncio.ensure_future(again(asyncio.Lock()))
            await asyncio.sleep(0.2)
            print("[%d]" % id(task))
            task.cancel()
            await asyncio.wait([task])

        asyncio.run(main())
        """
    )
    ((task,),) = recording.printed()
    (row,) = recording.named("LOCK_REENTRY")
    assert row.task == task and row.stack[0][1:] == ("again", 6)
    assert place_of_holder(recording, row.obj, task)[0][1:] == ("again", 5)


def test_light_tells_no_places(probe_program):
    recording = probe_program(HOLDERS, detail="light")
    assert recording.named("LOCK_WAIT")
    assert all(row.stack_column == 0 for row in recording.named("LOCK_WAIT", "LOCK_HOLD", "LOCK_PLACE"))


def test_switching_the_level_while_a_lock_is_held(probe_program):
    recording = probe_program(
        """
        import asyncio, sys

        core = sys.modules["async_health._ah_core"]

        async def holds(lock):
            async with lock:
                await asyncio.sleep(0.1)

        async def main():
            lock = asyncio.Lock()
            for level in ("full", "light", "standard", "full", "standard"):
                tasks = [asyncio.ensure_future(holds(lock)) for _ in range(2)]
                await asyncio.sleep(0.02)
                core.set_detail(level)
                await asyncio.gather(*tasks)
            print('["done"]')

        asyncio.run(main())
        """
    )
    assert recording.printed() == [["done"]]
    assert not recording.notes_of("hook-removed")
    waits, ends = recording.named("LOCK_WAIT"), recording.named("LOCK_WAIT_END")
    assert len(waits) == len(ends) == 5


@pytest.mark.skipif(sys.version_info < (3, 11), reason="blocks are told apart by the exception table since 3.11")
def test_the_exception_table_is_read_as_dis_reads_it(probe_program):
    import dis

    sys.path.insert(0, __file__)
    from async_health import _ah_locks_places as places

    async def sample(a, b):
        async with a, b:
            try:
                for _ in a:
                    with b:
                        await a
            finally:
                await b

    code = sample.__code__
    entries = [(one.start, one.end, one.target) for one in dis.Bytecode(code).exception_entries]
    assert places._exception_table(code) == entries
