"""`ResourceMonitor` and `print_summary`: without a debugger, and what the probe alone knows."""

import json


def test_resources_without_a_debugger(without):
    out = without(
        """
        import asyncio, io, json, time
        import async_health

        async def main():
            monitor = async_health.ResourceMonitor(long_task=0.05, history=2)
            task = asyncio.ensure_future(asyncio.sleep(5))
            await asyncio.sleep(0)
            assert monitor.long_tasks() == []
            first = monitor.sample()
            assert first["cpu"] is None and first["tasks"] == 2 and first["threads"] == 1
            end = time.monotonic() + 0.1
            while time.monotonic() < end:
                pass
            monitor.sample()
            await asyncio.sleep(0.1)
            monitor.sample()
            busy, idle = [one["cpu"] for one in monitor.samples()]
            assert busy > idle + 0.1, (busy, idle)
            print(json.dumps(sorted((one["coroutine"], one["seconds"] >= 0.1) for one in monitor.long_tasks())))
            report = monitor.report()
            assert report["lock_waits"] == [] and len(report["tasks"]) == 2
            print(json.dumps(monitor.statistics()))
            task.cancel()
            text = io.StringIO()
            async_health.print_summary(text)
            assert "no debugger" in text.getvalue() and "tasks: 2" in text.getvalue()

        asyncio.run(main())
        """
    )
    long, statistics = [json.loads(line) for line in out.splitlines()]
    assert long == [["main", True], ["sleep", True]]
    assert (statistics["tasks"], statistics["long_tasks"], statistics["success_rate"]) == (2, 2, None)


def test_monitored_sessions_have_a_success_rate(probe_program):
    recording = probe_program(
        """
        import asyncio, json
        import async_health

        class Client:
            pass

        async def main():
            client = Client()
            seen = async_health.monitor_session(client, name="billing")
            resources = async_health.ResourceMonitor()
            before = resources.sessions()
            for number in range(4):
                try:
                    with seen.operation():
                        assert number != 2
                except AssertionError:
                    pass
            after = resources.sessions()
            seen.close()
            keys = ("name", "operations", "failures", "success_rate")
            print(json.dumps([[one[key] for key in keys] for one in before + after]))
            assert resources.sessions() == []

        asyncio.run(main())
        """
    )
    assert recording.printed() == [[["billing", 0, 0, None], ["billing", 4, 1, 0.75]]]
