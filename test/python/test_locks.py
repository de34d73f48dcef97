"""Locks and friends of asyncio: who waits, who holds, what is left, in every supported version."""

import sys

import pytest

CONTENDED = """
    import asyncio

    async def worker(lock, name):
        async with lock:
            await asyncio.sleep(0.05)

    async def main():
        lock = asyncio.{kind}
        first = asyncio.ensure_future(worker(lock, 1))
        second = asyncio.ensure_future(worker(lock, 2))
        await asyncio.sleep(0.01)
        print({{}} and 0 or "[%d, %d, %d]" % (id(lock), id(first), id(second)))
        await first
        await second
        await asyncio.sleep(0.05)
        lock = None

    asyncio.run(main())
"""


def sequence(recording, lock, *names):
    return [row for row in recording.named(*names) if row.obj == lock]


@pytest.mark.parametrize("detail", ["standard", "full"])
def test_a_contended_lock_tells_holder_and_waiter(probe_program, detail):
    recording = probe_program(CONTENDED.format(kind="Lock()"), detail=detail)
    ((lock, first, second),) = recording.printed()
    rows = sequence(recording, lock, "LOCK_HOLD", "LOCK_WAIT", "LOCK_FREE", "LOCK_WAIT_END")
    assert [(row.name, row.task) for row in rows][:5] == [
        ("LOCK_HOLD", first),
        ("LOCK_WAIT", second),
        ("LOCK_FREE", first),
        ("LOCK_WAIT_END", second),
        ("LOCK_HOLD", second),
    ]
    assert sequence(recording, lock, "LOCK_FREE")[-1].task == second
    (new,) = sequence(recording, lock, "LOCK_NEW")
    assert new.aux == 1
    assert new.stack[0][1].endswith("main")
    assert rows[1].stack[0][1].endswith("worker")
    assert len(sequence(recording, lock, "LOCK_GONE")) == 1
    assert not recording.notes_of("hook-missing") and not recording.notes_of("hook-removed")


def test_light_sees_the_contended_path_only(probe_program):
    recording = probe_program(CONTENDED.format(kind="Lock()"), detail="light")
    ((lock, _first, second),) = recording.printed()
    assert [row.task for row in sequence(recording, lock, "LOCK_WAIT")] == [second]
    assert all(row.stack_column == 0 for row in sequence(recording, lock, "LOCK_WAIT", "LOCK_NEW"))


def test_a_semaphore_tells_all_its_holders(probe_program):
    recording = probe_program(
        """
        import asyncio

        async def worker(lock):
            async with lock:
                await asyncio.sleep(0.05)

        async def main():
            lock = asyncio.BoundedSemaphore(2)
            tasks = [asyncio.ensure_future(worker(lock)) for _ in range(3)]
            await asyncio.sleep(0.01)
            print([id(lock)] + [id(task) for task in tasks])
            await asyncio.gather(*tasks)

        asyncio.run(main())
        """
    )
    ((lock, *tasks),) = recording.printed()
    assert [row.task for row in sequence(recording, lock, "LOCK_HOLD")][:2] == tasks[:2]
    assert [row.task for row in sequence(recording, lock, "LOCK_WAIT")] == [tasks[2]]
    assert {row.task for row in sequence(recording, lock, "LOCK_FREE")} >= set(tasks[:2])
    meta = sequence(recording, lock, "LOCK_META")[0]
    assert meta.task == 2 and meta.text == "asyncio.BoundedSemaphore"


def test_reentry_is_seen_at_once(probe_program):
    recording = probe_program(
        """
        import asyncio

        async def again(lock):
            async with lock:
                await lock.acquire()  # hangs

        async def main():
            task = asyncio.ensure_future(again(asyncio.Lock()))
            await asyncio.sleep(0.1)
            print([id(task)])
            task.cancel()
            await asyncio.wait([task])

        asyncio.run(main())
        """
    )
    ((task,),) = recording.printed()
    (row,) = recording.named("LOCK_REENTRY")
    assert row.task == task
    assert row.stack[0][1].endswith("again") and row.stack[0][2] == 6


def test_a_lock_taken_by_wait_for_belongs_to_the_caller(probe_program):
    recording = probe_program(
        """
        import asyncio

        async def main():
            lock = asyncio.Lock()
            await asyncio.wait_for(lock.acquire(), 5)
            task = asyncio.ensure_future(lock.acquire())
            await asyncio.sleep(0.05)
            print([id(lock), id(asyncio.current_task())])
            lock.release()
            await task

        asyncio.run(main())
        """
    )
    ((lock, main),) = recording.printed()
    assert sequence(recording, lock, "LOCK_HOLD")[0].task == main


def test_queue_waits_state_and_join(probe_program):
    recording = probe_program(
        """
        import asyncio

        async def consumer(queue):
            while True:
                await queue.get()
                await asyncio.sleep(0.05)
                queue.task_done()

        async def main():
            queue = asyncio.PriorityQueue(1)
            task = asyncio.ensure_future(consumer(queue))
            for number in range(3):
                await queue.put(number)
            print([id(queue), id(asyncio.current_task()), id(task)])
            await queue.join()
            await asyncio.sleep(0.05)
            task.cancel()

        asyncio.run(main())
        """
    )
    ((queue, main, consumer),) = recording.printed()
    waits = [(row.task, row.aux) for row in sequence(recording, queue, "LOCK_WAIT")]
    assert (main, 2) in waits and (main, 3) in waits and (consumer, 1) in waits
    meta = sequence(recording, queue, "LOCK_META")[0]
    assert meta.task == 1 and meta.text == "asyncio.PriorityQueue"
    states = [(row.aux, row.stack_column) for row in sequence(recording, queue, "LOCK_STATE")]
    assert any(unfinished >= 2 for _size, unfinished in states)
    assert states[-1] == (0, 0)
    # The event inside of the queue is a detail of join().
    assert not [row for row in recording.named("LOCK_NEW") if row.aux == 6]


def test_event_condition_and_barrier(probe_program):
    recording = probe_program(
        """
        import asyncio

        async def waits(thing):
            async with thing:
                await thing.wait()

        async def main():
            event = asyncio.Event()
            task = asyncio.ensure_future(event.wait())
            await asyncio.sleep(0.01)
            event.set()
            await task
            condition = asyncio.Condition()
            task = asyncio.ensure_future(waits(condition))
            await asyncio.sleep(0.01)
            async with condition:
                condition.notify_all()
            await task
            kinds = [6, 5]
            if hasattr(asyncio, "Barrier"):
                barrier = asyncio.Barrier(2)
                await asyncio.gather(barrier.wait(), barrier.wait())
                kinds.append(8)
            print(kinds)

        asyncio.run(main())
        """
    )
    (kinds,) = recording.printed()
    assert [row.aux for row in recording.named("LOCK_NEW")] == kinds
    for row in recording.named("LOCK_WAIT"):
        ends = [end for end in recording.named("LOCK_WAIT_END") if (end.obj, end.task) == (row.obj, row.task)]
        assert [end.aux for end in ends] == [0]


def test_loops_in_threads_do_not_mix_holders(probe_program):
    recording = probe_program(
        """
        import asyncio, sys, threading

        def thread():
            async def main():
                lock = asyncio.Lock()
                for _ in range(300):
                    await lock.acquire()
                    await asyncio.sleep(0)
                    lock.release()
                await lock.acquire()
                task = asyncio.ensure_future(lock.acquire())
                await asyncio.sleep(0.02)
                # One write: print would send the end of the line by itself, into another thread's.
                sys.stdout.write('%s\\n' % [id(lock), id(asyncio.current_task())])
                lock.release()
                await task

            asyncio.run(main())

        threads = [threading.Thread(target=thread) for _ in range(4)]
        for one in threads:
            one.start()
        for one in threads:
            one.join()
        """
    )
    printed = recording.printed()
    assert len(printed) == 4
    for lock, main in printed:
        assert [row.task for row in sequence(recording, lock, "LOCK_HOLD")][0] == main


def test_locks_are_not_kept_alive_and_tracebacks_are_the_same(probe_program, plain_program):
    source = """
        import asyncio, gc, traceback, weakref

        async def fails(lock):
            async with lock:
                raise ValueError("x")

        async def main():
            lock = asyncio.Lock()
            await lock.acquire()
            task = asyncio.ensure_future(fails(lock))
            await asyncio.sleep(0)
            lock.release()
            try:
                await task
            except ValueError:
                traceback.print_exc()
            task = asyncio.ensure_future(asyncio.wait_for(asyncio.Event().wait(), 0.01))
            try:
                await task
            except asyncio.TimeoutError as error:
                print(type(error).__name__)
            ref = weakref.ref(lock)
            del lock, task
            gc.collect()
            print(ref() is None, vars(asyncio.Lock()), asyncio.Lock.acquire.__qualname__)

        asyncio.run(main())
    """
    stdout, stderr, _code = plain_program(source)
    for detail in ("light", "standard", "full"):
        recording = probe_program(source, detail=detail)
        assert recording.stdout == stdout

        def body(text):
            return [line for line in text.splitlines() if "runpy" not in line and "start_probe" not in line]

        assert body(recording.stderr) == body(stderr)


def test_detail_can_be_switched_while_running(probe_program):
    recording = probe_program(
        """
        import asyncio, json, sys

        probe = sys.modules["async_health"]

        async def main():
            lock = asyncio.Lock()
            for number, level in enumerate(["light", "full", "standard"]):
                probe._rpc(json.dumps({"id": number, "method": "setDetail", "params": {"detail": level}}))
                await asyncio.sleep(0.2)
                async with lock:
                    pass
                await asyncio.sleep(0.1)
            print([id(lock)])

        asyncio.run(main())
        """
    )
    ((lock,),) = recording.printed()
    # Only `full` tells of an uncontended acquire.
    assert len(sequence(recording, lock, "LOCK_HOLD")) == 1
    assert len(sequence(recording, lock, "LOCK_FREE")) == 1


def test_a_holder_noted_before_light_is_not_told_at_light(probe_program):
    """Who takes the lock is not noted any more there, so what was noted says nothing about who holds it now."""
    recording = probe_program(
        """
        import asyncio, json, sys

        probe = sys.modules["async_health"]

        async def waiter(lock):
            async with lock:
                pass

        async def main():
            lock = asyncio.Lock()
            await asyncio.create_task(lock.acquire())
            probe._rpc(json.dumps({"id": 1, "method": "setDetail", "params": {"detail": "light"}}))
            await asyncio.sleep(0.2)
            lock.release()
            await lock.acquire()
            waiting = asyncio.ensure_future(waiter(lock))
            await asyncio.sleep(0.2)
            lock.release()
            await waiting
            print([id(lock), id(waiting)])

        asyncio.run(main())
        """
    )
    ((lock, waiting),) = recording.printed()
    assert [row.task for row in sequence(recording, lock, "LOCK_WAIT")] == [waiting]
    before = recording.rows.index(sequence(recording, lock, "LOCK_WAIT_END")[0])
    assert not [row for row in sequence(recording, lock, "LOCK_HOLD") if recording.rows.index(row) < before]


@pytest.mark.skipif(sys.version_info < (3, 10), reason="uvloop's wheels need a newer Python here")
def test_holder_on_uvloop(probe_program):
    pytest.importorskip("uvloop")
    recording = probe_program(
        CONTENDED.format(kind="Lock()").replace("asyncio.run(main())", "import uvloop; uvloop.run(main())")
    )
    ((lock, first, second),) = recording.printed()
    assert [row.task for row in sequence(recording, lock, "LOCK_HOLD")] == [first, second]
