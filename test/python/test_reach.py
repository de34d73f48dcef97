"""What nothing alive can wake is told (`TASK_UNREACHABLE`), and nothing else is."""

import sys

import pytest

OPTIONS = {"thresholds": {"stuckTaskMs": 500}}


pytestmark = pytest.mark.skipif(
    getattr(sys, "_is_gil_enabled", lambda: True)() is False, reason="reference counts say nothing without the GIL"
)


def unreachable(recording):
    """Names of the tasks that were told to be out of reach."""
    names = {}
    for row in recording.rows:
        if row.name == "TASK_NEW":
            names[row.obj] = row.text
    return sorted(
        {names[row.obj].rpartition(".")[2] for row in recording.rows if row.name == "TASK_UNREACHABLE" and row.aux == 1}
    )


def test_asyncio(probe_program):
    recording = probe_program(
        """
        import asyncio, functools

        async def forgotten():
            event = asyncio.Event()
            await event.wait()

        async def forgotten_in_closure():
            queue = asyncio.Queue()

            async def inner():
                await queue.get()

            await inner()

        async def for_ever():
            await asyncio.Event().wait()

        async def held_by_a_timer():
            event = asyncio.Event()

            def wake():
                event.set()

            asyncio.get_running_loop().call_later(60, wake)
            await event.wait()

        class Service:
            def __init__(self):
                self.stop = asyncio.Event()

            async def run(self):
                await self.stop.wait()

        async def consumer(queue):
            while True:
                await queue.get()

        async def main():
            service, queue = Service(), asyncio.Queue()
            work = [forgotten(), forgotten_in_closure(), for_ever(), held_by_a_timer(), service.run(), consumer(queue)]
            tasks = [asyncio.ensure_future(each) for each in work]
            await asyncio.sleep(1.5)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        asyncio.run(main())
        """,
        **OPTIONS,
    )
    assert recording.returncode == 0, recording.stderr
    assert unreachable(recording) == ["forgotten", "forgotten_in_closure"]


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_anyio_and_trio(probe_program, backend):
    pytest.importorskip("anyio")
    pytest.importorskip("trio")
    recording = probe_program(
        """
        import anyio

        async def forgotten():
            event = anyio.Event()
            await event.wait()

        async def for_ever():
            await anyio.Event().wait()

        async def waiter(event):
            await event.wait()

        async def main():
            event = anyio.Event()
            async with anyio.create_task_group() as group:
                for each in (forgotten, for_ever):
                    group.start_soon(each, name=each.__name__)
                group.start_soon(waiter, event, name="waiter")
                await anyio.sleep(1.5)
                event.set()
                group.cancel_scope.cancel()

        anyio.run(main, backend="%s")
        """
        % backend,
        **OPTIONS,
    )
    assert recording.returncode == 0, recording.stderr
    assert len([row for row in recording.rows if row.name == "TASK_UNREACHABLE"]) == 1
