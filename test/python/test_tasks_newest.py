"""CPython 3.14 and later: C tasks register inside the interpreter. Births, losses and relations come all the same, and at once."""

import importlib.util
import sys

import pytest
from conftest import wire

pytestmark = pytest.mark.skipif(sys.version_info < (3, 14), reason="the interpreter's own list of tasks came with 3.14")


def ends(recording, obj):
    return [row.aux for row in recording.named("TASK_END", obj=obj)]


def stamps(recording):
    """What the program printed: {label: [before, after]} in the probe's time."""
    return {key: value for line in recording.printed() for key, value in line.items()}


#: Prints when each of several ways to make a task began and was over, on the probe's clock.
WAYS = """
import asyncio, json, time
%(use)s
from async_health import _ah_core as core
times = {}
class Sub(asyncio.Task):
    pass
async def by_%(way)s():
    await asyncio.sleep(0.3)
async def main():
    loop = asyncio.get_running_loop()
    await asyncio.sleep(0.25)
    begin = core.since_start(core.now())
    %(make)s
    over = core.since_start(core.now())
    print(json.dumps({"born": [begin, over]}))
    await task
run(main())
"""

CREATE = {
    "create_task": "task = asyncio.create_task(by_create_task())",
    "loop": "task = loop.create_task(by_loop(), name='one')",
    "eager_start": "task = asyncio.create_task(by_eager_start(), eager_start=True)",
    "eager_factory": "loop.set_task_factory(asyncio.eager_task_factory); task = asyncio.create_task(by_eager_factory())",
    "subclass": "loop.set_task_factory(lambda loop, coro, **more: Sub(coro, loop=loop, **more)); "
    "task = loop.create_task(by_subclass())",
    "group": "group = asyncio.TaskGroup(); await group.__aenter__(); task = group.create_task(by_group())",
    "ensure_future": "task = asyncio.ensure_future(by_ensure_future())",
}
ON_UVLOOP = ("create_task", "loop", "ensure_future", "subclass")
CASES = [("asyncio", way) for way in CREATE]
if importlib.util.find_spec("uvloop"):
    CASES += [("uvloop", way) for way in ON_UVLOOP]


@pytest.mark.parametrize("loop,way", CASES)
def test_a_birth_is_told_at_once(probe_program, loop, way):
    use = "import uvloop; run = uvloop.run" if loop == "uvloop" else "run = asyncio.run"
    recording = probe_program(WAYS % {"use": use, "way": way, "make": CREATE[way]})
    (born,) = [row for row in recording.named("TASK_NEW") if row.text == "by_" + way]
    begin, over = stamps(recording)["born"]
    assert begin <= born.t <= over
    # uvloop.run runs `main` within a coroutine of its own.
    assert born.task == recording.task_running("wrapper" if loop == "uvloop" else "main").obj
    assert born.stack[0][1] == "main"
    assert ends(recording, born.obj) == [wire.OUTCOME_OK]
    assert recording.notes_of("hook-removed") == [] and recording.notes_of("hook-missing") == []


def test_a_task_constructed_by_hand_is_found(probe_program):
    recording = probe_program(
        """
        import asyncio
        async def by_hand():
            await asyncio.sleep(1.5)
        async def main():
            await asyncio.Task(by_hand(), loop=asyncio.get_running_loop())
        asyncio.run(main())
        """
    )
    (born,) = [row for row in recording.named("TASK_NEW") if row.text == "by_hand"]
    assert ends(recording, born.obj) == [wire.OUTCOME_OK]


def test_losses(probe_program):
    """Pending tasks that nobody holds, of each make; one that ended is none, however late it is collected."""
    recording = probe_program(
        """
        import asyncio, gc
        class Sub(asyncio.Task):
            def __hash__(self):
                return 7
        async def lost():
            await asyncio.get_running_loop().create_future()
        async def ended():
            pass
        async def main():
            loop = asyncio.get_running_loop()
            asyncio.create_task(lost())
            asyncio.create_task(lost(), eager_start=True)
            loop.set_task_factory(lambda loop, coro, **more: Sub(coro, loop=loop, **more))
            loop.create_task(lost())
            loop.set_task_factory(lambda loop, coro, **more: asyncio.tasks._PyTask(coro, loop=loop, **more))
            loop.create_task(lost())
            loop.set_task_factory(None)
            kept = loop.create_task(ended())
            await asyncio.sleep(0.05)
            gc.collect()
            kept = None
            gc.collect()
            await asyncio.sleep(0.05)
        asyncio.run(main())
        """
    )
    lost = {row.obj for row in recording.named("TASK_NEW") if row.text == "lost"}
    assert len(recording.named("TASK_END")) == len(recording.named("TASK_NEW"))
    assert len(lost) == 4
    for address in lost:
        assert wire.OUTCOME_DROPPED in ends(recording, address)
    assert wire.OUTCOME_DROPPED not in ends(recording, recording.task_running("ended").obj)


def test_no_task_is_kept_alive(probe_program):
    recording = probe_program(
        """
        import asyncio, json, weakref
        import uvloop
        async def work():
            await asyncio.sleep(0)
        async def main():
            dead = 0
            for eager in (False, True):
                task = asyncio.create_task(work(), eager_start=eager) if USE is asyncio else asyncio.create_task(work())
                reference = weakref.ref(task)
                await task
                await asyncio.sleep(0)
                task = None
                dead += reference() is None
            print(json.dumps({USE.__name__: dead}))
        for USE in (asyncio, uvloop):
            USE.run(main())
        """
    )
    assert recording.printed() == [{"asyncio": 2}, {"uvloop": 2}]


def test_create_task_of_uvloop_looks_as_it_did(probe_program):
    recording = probe_program(
        """
        import asyncio, json, pickle
        import uvloop
        kind = uvloop.Loop.create_task
        print(json.dumps([kind.__name__, kind.__qualname__, kind.__module__ == "uvloop.loop", bool(kind.__doc__)]))
        async def main():
            loop = asyncio.get_running_loop()
            try:
                loop.create_task(17)
            except TypeError as error:
                print(json.dumps([str(error)]))
        uvloop.run(main())
        """
    )
    plain = "a coroutine was expected, got 17"
    assert recording.printed()[1] == [plain]
    assert recording.printed()[0][0] == "create_task"
