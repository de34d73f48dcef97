"""Sends events under the probe's name that no probe would send, then works on."""

import asyncio
import base64
import struct
import sys


def send(body):
    sys.modules["pydevd"].send_json_message({"type": "event", "event": "asyncHealth", "body": body})


BODIES = [
    None,
    17,
    "text",
    [],
    {},
    {"type": "nonsense"},
    {"type": "batch"},
    {"type": "batch", "pid": "x", "seq": -1, "t": float("1e308")},
    {"type": "batch", "pid": 1, "seq": 10**6, "t": 1, "rows": "AAAA"},
    {"type": "reply", "id": 99999, "result": 1},
    {"type": "reply"},
    {"type": "request", "id": 7, "method": 3},
    {"type": "request", "id": 8, "method": "no.such.method", "params": []},
]


async def main():
    for body in BODIES:
        send(body)
    pid = __import__("os").getpid()
    rows = struct.pack("<12q", 1, 1, 1, 0, 0, 0, -5, 1, 1, 0, 0, 0)
    # In the probe's own name: rows with an impossible op, odd lengths, wrong base64, and far too many (debugpy itself takes no message above 16 MB).
    for seq, text in (
        (100001, base64.b64encode(rows).decode()),
        (100002, base64.b64encode(rows[:-3]).decode()),
        (100003, "%%%"),
    ):
        send({"type": "batch", "pid": pid, "seq": seq, "t": 5, "rows": text})
    send({"type": "batch", "pid": pid, "seq": 100004, "t": 5, "rows": "A" * (12 * 1024 * 1024)})
    print("sent", flush=True)
    await asyncio.sleep(0.3)
    print("still here", flush=True)  # @after


asyncio.run(main())
