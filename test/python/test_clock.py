"""Time stands still for loops while the program is paused; with the adapter's requests and under real debugpy."""

import json
import os
import socket
import subprocess
import sys
import textwrap
import time

import pytest
from conftest import SOURCE, Recording

BY_REQUEST = """
    import asyncio, json, sys, time

    probe = sys.modules["async_health"]

    def request(method):
        probe._rpc(json.dumps({{"id": 1, "method": method, "params": {{}}}}))

    async def main():
        loop = asyncio.get_running_loop()
        began, real = loop.time(), time.monotonic()
        handle = loop.call_later(0.5, fired.append, 1)
        request("paused")
        time.sleep(0.1)  # the probe's thread takes the request
        first = loop.time()
        time.sleep(1)
        second = loop.time()
        request("resumed")
        time.sleep(0.1)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        print(json.dumps([second - first, time.monotonic() - real - (loop.time() - began), len(fired)]))
        await asyncio.sleep(0.5)
        print(json.dumps([len(fired)]))

    fired = []
    asyncio.run(main())
"""


def test_by_request_of_the_adapter(probe_program):
    recording = probe_program(BY_REQUEST.format())
    (frozen, lost, early), (late,) = recording.printed()
    assert frozen == 0
    assert 0.9 < lost < 1.3
    assert early == 0 and late == 1


def test_switched_off(probe_program):
    recording = probe_program(BY_REQUEST.format(), freezeTimeWhilePaused=False)
    (frozen, lost, early), _late = recording.printed()
    assert frozen > 0.9 and abs(lost) < 0.05 and early == 1


def test_nothing_is_changed_before_the_first_pause(probe_program, plain_program):
    source = """
        import asyncio

        code = asyncio.BaseEventLoop.time.__code__
        print(code.co_consts, code.co_names, asyncio.BaseEventLoop.time.__qualname__)
    """
    assert probe_program(source).stdout == plain_program(source)[0]


class Dap:
    """Just enough of a DAP client."""

    def __init__(self, port):
        deadline = time.time() + 30
        while True:
            try:
                self.socket = socket.create_connection(("127.0.0.1", port), timeout=20)
                break
            except OSError:
                if time.time() > deadline:
                    raise
                time.sleep(0.1)
        self.file = self.socket.makefile("rb")
        self.number = 0

    def send(self, command, **arguments):
        self.number += 1
        body = json.dumps({"seq": self.number, "type": "request", "command": command, "arguments": arguments}).encode()
        self.socket.sendall(b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def until(self, kind, name):
        while True:
            size = 0
            while True:
                line = self.file.readline().strip()
                if not line:
                    break
                key, _, value = line.partition(b":")
                if key.lower() == b"content-length":
                    size = int(value)
            if not size:
                raise AssertionError("the connection ended before %s %s" % (kind, name))
            message = json.loads(self.file.read(size))
            if message["type"] == kind and message.get("event" if kind == "event" else "command") == name:
                return message


PROGRAM = """
    import sys
    sys.path.insert(0, {source!r})
    from async_health import _ah_boot
    _ah_boot.start({{"sink": "file:{out}", "tickMs": 20, "freezeTimeWhilePaused": {freeze}}})
    import asyncio, json, time
    {imports}

    async def waits():
        try:
            await asyncio.wait_for(asyncio.Event().wait(), 1)
        except asyncio.TimeoutError:
            return time.monotonic()

    async def main():
        loop = asyncio.get_running_loop()
        real, own = time.monotonic(), loop.time()
        task = asyncio.ensure_future(waits())
        await asyncio.sleep(0.2)
        stop = time.monotonic()  # @bp
        resumed = time.monotonic()
        ended = await task
        print(json.dumps({{"paused": resumed - stop, "waited": ended - real, "own": loop.time() - own}}), flush=True)

    asyncio.run(main())
"""


@pytest.mark.parametrize("freeze", [True, False])
def test_under_debugpy_a_timeout_does_not_fire_because_of_a_stop(tmp_path, freeze):
    pytest.importorskip("debugpy")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    source = textwrap.dedent(PROGRAM.format(source=SOURCE, out=tmp_path / "out.jsonl", freeze=freeze, imports=""))
    program = tmp_path / "program.py"
    program.write_text(source)
    line = source[: source.index("# @bp")].count("\n") + 2  # the statement after the marked one
    process = subprocess.Popen(
        [sys.executable, "-m", "debugpy", "--listen", "127.0.0.1:%d" % port, "--wait-for-client", str(program)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ, PYDEVD_DISABLE_FILE_VALIDATION="1"),
    )
    try:
        client = Dap(port)
        client.send("initialize", adapterID="test")
        client.send("attach", connect={"host": "127.0.0.1", "port": port})
        client.until("event", "initialized")
        client.send("setBreakpoints", source={"path": str(program)}, breakpoints=[{"line": line}])
        client.send("configurationDone")
        stopped = client.until("event", "stopped")
        time.sleep(2)
        client.send("continue", threadId=stopped["body"]["threadId"])
        client.until("event", "terminated")
        client.send("disconnect")
        client.socket.close()
        stdout, stderr = process.communicate(timeout=20)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    (result,) = [json.loads(one) for one in stdout.splitlines() if one.startswith("{")]
    assert result["paused"] > 1.9, stderr
    recording = Recording([json.loads(one) for one in (tmp_path / "out.jsonl").read_text().splitlines()])
    assert not [note for note in recording.notes_of("hook-removed") if note["hook"] == "clock"]
    if freeze:
        # The timeout comes one second of the loop's own time after its start: the pause does not count.
        assert abs(result["waited"] - result["paused"] - 1) < 0.15, result
        assert abs(result["own"] - 1) < 0.15, result
    else:
        assert result["waited"] < 2.6 and result["own"] > 2
