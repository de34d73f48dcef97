"""Writes the report of its own run: the debugger's when there is one."""

import asyncio
import json

import async_health


async def waits(lock):
    async with lock:
        pass


async def main():
    lock = asyncio.Lock()
    async with lock:
        waiter = asyncio.ensure_future(waits(lock))
        monitor = async_health.ResourceMonitor(lock_timeout=0.2, long_task=0.2)
        await asyncio.sleep(0.5)
        (wait,) = monitor.lock_waits()
        print("waits", wait["wants"], wait["at"]["function"], wait["timed_out"], len(wait["holders"]))
        print("long", sorted(task["coroutine"] for task in monitor.long_tasks()), monitor.statistics()["timed_out"])
        async_health.print_summary()
    await waiter
    report = json.loads(async_health.generate_report("json"))
    print("version", report["version"], "tasks", report["tasks"]["created"])
    print(async_health.generate_report("html")[:15].lower())


asyncio.run(main())
