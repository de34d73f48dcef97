# ruff: noqa: F841 (variables are there to be looked at)
"""One scenario per name: `steps.py SCENARIO`. Siblings run the same code all the time; `MY = True` only in the task under test."""

import asyncio
import contextvars
import sys

my = contextvars.ContextVar("my", default=False)


def MY():
    return my.get()


async def work(delay=0.01):
    a = 1  # @work-first
    await asyncio.sleep(delay)  # @work-await
    a += 1  # @work-after
    return a  # @work-return


async def tail():
    x = 5  # @tail-first
    return await work()  # @tail-last


async def last_await():
    x = 5  # @lastawait-first
    await asyncio.sleep(0.02)  # @lastawait-last


async def fails():
    x = 5  # @fails-first
    await asyncio.sleep(0.02)  # @fails-await
    raise ValueError("no")  # @fails-raise


async def child(n):
    c = n + 1  # @child-first
    await asyncio.sleep(0.01)
    return c  # @child-return


async def sibling():
    while True:
        await tail()
        await last_await()
        await child(1)
        try:
            await fails()
        except ValueError:
            pass


async def as_mine(coroutine):
    my.set(True)
    return await coroutine  # @as-mine


def mine(coroutine):
    """A task whose context says that it is the one under test."""
    context = contextvars.copy_context()
    context.run(my.set, True)
    return context.run(asyncio.get_running_loop().create_task, coroutine)


async def await_task():
    task = mine(work())
    value = await task  # @parent-await
    value += 1  # @parent-after
    return value


async def await_gather():
    context = mine(work())
    values = await asyncio.gather(context, asyncio.sleep(0.05))  # @gather-await
    return values  # @gather-after


async def await_group():
    async with asyncio.TaskGroup() as group:
        context = contextvars.copy_context()
        context.run(my.set, True)
        context.run(group.create_task, work())
    done = 1  # @group-after
    return done


async def plain_nested():
    my.set(True)
    value = await tail()  # @nested-call
    value += 1  # @nested-after
    return value


async def plain_last_await():
    my.set(True)
    await last_await()  # @plainlast-call
    done = 1  # @plainlast-after
    return done


async def await_failing():
    task = mine(fails())
    try:
        await task  # @failing-await
    except ValueError:  # @failing-except
        caught = 1  # @failing-caught
    return caught


async def is_cancelled():
    x = 5  # @cancelled-first
    await asyncio.sleep(5)  # @cancelled-await


async def await_cancelled():
    task = mine(is_cancelled())
    asyncio.get_running_loop().call_later(0.1, task.cancel)
    try:
        await task  # @awaitcancelled-await
    except asyncio.CancelledError:  # @awaitcancelled-except
        caught = 1  # @awaitcancelled-caught
    return caught


async def nested_failing():
    my.set(True)
    try:
        await fails()  # @nestedfail-call
    except ValueError:  # @nestedfail-except
        caught = 1  # @nestedfail-caught
    return caught


async def step_in_task():
    my.set(True)
    task = asyncio.create_task(child(5))
    my.set(True)
    before = 1  # @stepin-before
    value = await task  # @stepin-await
    return value  # @stepin-after


async def step_in_gather():
    my.set(True)
    before = 1  # @stepgather-before
    values = await asyncio.gather(child(1), child(2))  # @stepgather-await
    return values  # @stepgather-after


async def step_in_sleep():
    my.set(True)
    before = 1  # @stepsleep-before
    await asyncio.sleep(0.05)  # @stepsleep-await
    after = 1  # @stepsleep-after
    return after


async def wait_for():
    my.set(True)
    before = 1  # @waitfor-before
    value = await asyncio.wait_for(work(), 5)  # @waitfor-await
    return value  # @waitfor-after


async def root_end():
    my.set(True)
    await asyncio.sleep(0.01)
    return 1  # @root-return


async def forgotten():
    task = mine(work())
    await asyncio.sleep(0.2)
    return task.done()


async def main(scenario):
    siblings = [asyncio.create_task(sibling()) for _ in range(3)]
    await asyncio.sleep(0.03)
    result = await scenario() if scenario is not root_end else None
    for one in siblings:
        one.cancel()
    print("result", result)  # @main-after


async def main_root():
    for _ in range(3):
        asyncio.create_task(sibling())
    await asyncio.sleep(0.03)
    return await root_end()  # @mainroot-last


async def any_work():
    import anyio

    a = 1  # @anywork-first
    await anyio.sleep(0.02)  # @anywork-await
    a += 1  # @anywork-after
    return a  # @anywork-return


async def any_sibling():
    while True:
        await any_work()


async def any_main():
    import anyio

    async with anyio.create_task_group() as outer:
        for _ in range(3):
            outer.start_soon(any_sibling)
        await anyio.sleep(0.05)
        async with anyio.create_task_group() as group:
            token = my.set(True)
            group.start_soon(any_work)
            my.reset(token)
        done = 1  # @any-after
        print("result", done)
        outer.cancel_scope.cancel()


if __name__ == "__main__":
    name = sys.argv[1]
    if name == "root_end":
        value = asyncio.run(main_root())  # @run-root
        print("result", value)  # @run-after
    elif name == "anyio":
        import anyio

        anyio.run(any_main)
    elif name == "trio":
        import anyio

        anyio.run(any_main, backend="trio")
    else:
        asyncio.run(main(globals()[name]))
        print("module end")  # @module-end
