"""Load generator: `python load.py PORT SECONDS [CONNECTIONS]`. Keep-alive GETs over raw sockets; prints {"rps", "p50_ms", "p99_ms", "errors"}.

The first tenth of the time warms up and does not count.
"""

import asyncio
import json
import sys
import time

PORT, SECONDS = int(sys.argv[1]), float(sys.argv[2])
CONNECTIONS = int(sys.argv[3]) if len(sys.argv) > 3 else 16


async def client(number, begin, end, latencies, errors):
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    request = ("GET /items/%d HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % number).encode()
    while True:
        sent = time.perf_counter()
        if sent >= end:
            break
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 200"):
            errors.append(head)
        if sent >= begin:
            latencies.append(time.perf_counter() - sent)
    writer.close()


async def main():
    latencies, errors = [], []
    start = time.perf_counter()
    begin, end = start + SECONDS / 10, start + SECONDS
    await asyncio.gather(*(client(n, begin, end, latencies, errors) for n in range(CONNECTIONS)))
    latencies.sort()
    print(
        json.dumps(
            {
                "rps": len(latencies) / (end - begin),
                "p50_ms": latencies[len(latencies) // 2] * 1000,
                "p99_ms": latencies[len(latencies) * 99 // 100] * 1000,
                "errors": len(errors),
            }
        )
    )


asyncio.run(main())
