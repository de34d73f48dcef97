"""The locks, limiters and channels of anyio (on both backends) and trio."""

import pytest

pytest.importorskip("anyio")

PROGRAM = """
    import anyio

    keep = []

    async def worker(lock):
        async with lock:
            await anyio.sleep(0.05)

    async def consumer(stream):
        async for _ in stream:
            await anyio.sleep(0.02)

    async def condition_waits(condition):
        async with condition:
            await condition.wait()

    async def main():
        locks = [anyio.Lock(), anyio.Semaphore(1), anyio.CapacityLimiter(1)]
        keep.extend(locks)  # addresses stay apart
        for lock in locks:
            async with anyio.create_task_group() as group:
                group.start_soon(worker, lock)
                group.start_soon(worker, lock)
        send, receive = anyio.create_memory_object_stream(0)
        async with receive, anyio.create_task_group() as group:
            group.start_soon(consumer, receive)
            async with send:
                for number in range(2):
                    await send.send(number)
        event, condition = anyio.Event(), anyio.Condition()
        async with anyio.create_task_group() as group:
            group.start_soon(event.wait)
            group.start_soon(condition_waits, condition)
            await anyio.sleep(0.02)
            event.set()
            async with condition:
                condition.notify_all()

    anyio.run(main, backend={backend!r})
"""


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_anyio_primitives(probe_program, backend):
    pytest.importorskip(backend)
    recording = probe_program(PROGRAM.format(backend=backend))
    assert not recording.notes_of("hook-missing") and not recording.notes_of("hook-removed")
    assert {"worker", "condition_waits"} <= {row.text for row in recording.named("TASK_NEW")}
    waited = {}
    kinds = {row.obj: row.aux for row in recording.named("LOCK_NEW")}
    for row in recording.named("LOCK_WAIT"):
        waited.setdefault(kinds[row.obj], []).append(row)
    assert set(waited) == {1, 3, 9, 10, 6, 5}
    for rows in waited.values():
        for row in rows:
            assert row.task, row
            (end,) = [
                end
                for end in recording.named("LOCK_WAIT_END")
                if end.obj == row.obj and end.task == row.task and end.t >= row.t
            ][:1]
            assert end.aux == 0
    for kind, function in ((1, "worker"), (3, "worker"), (9, "worker"), (5, "condition_waits")):
        assert waited[kind][0].stack[0][1].endswith(function)
    holders = {row.task for row in recording.named("LOCK_HOLD", obj=waited[1][0].obj)}
    assert len(holders) == 2 and waited[1][0].task in holders
    assert {row.task for row in recording.named("LOCK_HOLD", obj=waited[9][0].obj)} >= {waited[9][0].task}
    assert {row.aux for row in waited[10]} <= {1, 2}


def test_trio_primitives(probe_program):
    pytest.importorskip("trio")
    recording = probe_program(
        """
        import trio

        async def worker(lock):
            async with lock:
                await trio.sleep(0.05)

        async def receiver(receive):
            async with receive:
                async for _ in receive:
                    pass

        async def main():
            for lock in [trio.Lock(), trio.StrictFIFOLock(), trio.Semaphore(1), trio.CapacityLimiter(1)]:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(worker, lock)
                    nursery.start_soon(worker, lock)
            send, receive = trio.open_memory_channel(3)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(receiver, receive)
                await trio.sleep(0.01)
                async with send:
                    await send.send(1)

        trio.run(main)
        """
    )
    names = {row.obj: row.text for row in recording.named("LOCK_META")}
    waited = [names[row.obj] for row in recording.named("LOCK_WAIT")]
    assert waited[:4] == ["trio.Lock", "trio.StrictFIFOLock", "trio.Semaphore", "trio.CapacityLimiter"]
    assert waited[4] == "trio.MemoryChannel"
    lock = recording.named("LOCK_WAIT")[0]
    (before,) = [row for row in recording.named("LOCK_HOLD", obj=lock.obj) if row.t <= lock.t]
    assert before.task != lock.task
    kinds = {row.obj: row.aux for row in recording.named("TASK_WAIT") if row.task == lock.obj}
    assert kinds == {lock.task: 5 + 1}
    capacity = [row.task for row in recording.named("LOCK_META") if names[row.obj] == "trio.MemoryChannel"]
    assert capacity == [3]
