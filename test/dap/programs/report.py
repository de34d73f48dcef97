"""Writes the report of its own run: the debugger's when there is one."""

import asyncio
import json

import async_health


async def main():
    lock = asyncio.Lock()
    async with lock:
        await asyncio.sleep(0.3)
    report = json.loads(async_health.generate_report("json"))
    print("version", report["version"], "tasks", report["tasks"]["created"])
    print(async_health.generate_report("html")[:15].lower())


asyncio.run(main())
