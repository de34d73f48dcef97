"""Load generator: `python load.py PORT SECONDS [CONNECTIONS]`. Keep-alive GETs over raw sockets; prints {"rps", "p50_ms", "p99_ms", "requests", "warm_up", "errors"}.

The clock starts once the server has answered `WARM_UP` requests on every connection, so that neither its imports nor its first
requests count.
"""

import asyncio
import json
import sys
import time

PORT, SECONDS = int(sys.argv[1]), float(sys.argv[2])
CONNECTIONS = int(sys.argv[3]) if len(sys.argv) > 3 else 16
WARM_UP = 50


class Client:
    def __init__(self, number, errors):
        self.request = ("GET /items/%d HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" % number).encode()
        self.errors = errors

    async def connect(self):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", PORT)

    async def ask(self):
        self.writer.write(self.request)
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await self.reader.readexactly(length)
        if not head.startswith(b"HTTP/1.1 200"):
            self.errors.append(head)

    async def warm_up(self):
        await self.connect()
        for _ in range(WARM_UP):
            await self.ask()

    async def measure(self, end, latencies):
        while True:
            sent = time.perf_counter()
            if sent >= end:
                break
            await self.ask()
            latencies.append(time.perf_counter() - sent)
        self.writer.close()


async def main():
    latencies, errors = [], []
    clients = [Client(number, errors) for number in range(CONNECTIONS)]
    await asyncio.gather(*(client.warm_up() for client in clients))
    begin = time.perf_counter()
    await asyncio.gather(*(client.measure(begin + SECONDS, latencies) for client in clients))
    spent = time.perf_counter() - begin
    latencies.sort()
    print(
        json.dumps(
            {
                "rps": len(latencies) / spent,
                "p50_ms": latencies[len(latencies) // 2] * 1000,
                "p99_ms": latencies[len(latencies) * 99 // 100] * 1000,
                "requests": len(latencies),
                "warm_up": WARM_UP * CONNECTIONS,
                "errors": len(errors),
            }
        )
    )


asyncio.run(main())
