"""Sessions and clients of real libraries: opened, used, closed, lost, pools. Each is skipped where it is not installed."""

import os
import shutil
import socket
import subprocess
import sys
import time

import pytest


def told(recording, kind):
    """(op, aux) of all rows of the sessions of one kind, in order, without pool states. Addresses may be used again."""
    kinds = {}
    found = []
    for row in recording.named("SESSION_OPEN", "SESSION_CLOSE", "SESSION_LOST", "SESSION_OP"):
        if row.name == "SESSION_OPEN":
            kinds[row.obj] = row.text
        if kinds.get(row.obj) == kind:
            found.append((row.name[8:], row.aux if row.name == "SESSION_OP" else 0))
    return found


def check_hooks(recording):
    assert not recording.notes_of("hook-missing") and not recording.notes_of("hook-removed")


SERVER = """
    import asyncio, gc

    async def answer(reader, writer):
        while True:
            try:
                await reader.readuntil(b"\\r\\n\\r\\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                break
            await asyncio.sleep(0.05)
            writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
        writer.close()

    async def serve():
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        return server, "http://127.0.0.1:%d/" % server.sockets[0].getsockname()[1]
"""


def test_aiohttp(probe_program):
    pytest.importorskip("aiohttp")
    recording = probe_program(
        SERVER
        + """
    import aiohttp

    async def main():
        server, url = await serve()
        async with aiohttp.ClientSession() as session:
            async with session.get(url) as response:
                assert await response.text() == "ok"
            try:
                await session.get("http://127.0.0.1:1/")
            except aiohttp.ClientError:
                pass
        leaked = aiohttp.ClientSession()
        del leaked
        gc.collect()
        server.close()

    asyncio.run(main())
    """
    )
    check_hooks(recording)
    assert not recording.notes_of("loop-exception"), (
        "its complaints about the session and its connector are this one row"
    )
    assert told(recording, "aiohttp.ClientSession") == [
        ("OPEN", 0),
        ("OP", 0),
        ("OP", 1),
        ("OP", 0),
        ("OP", 2),
        ("CLOSE", 0),
        ("OPEN", 0),
        ("LOST", 0),
    ]
    first = recording.named("SESSION_OPEN")[0]
    assert first.stack[0][1] == "main" and first.task == recording.task_running("main").obj
    duration = [row.stack_column for row in recording.named("SESSION_OP") if row.aux == 1][0]
    assert duration > 0.04e9
    assert (1, 100, 0) in {(row.task, row.aux, row.stack_column) for row in recording.named("SESSION_POOL")}


def test_httpx(probe_program):
    pytest.importorskip("httpx")
    recording = probe_program(
        SERVER
        + """
    import httpx

    async def main():
        server, url = await serve()
        async with httpx.AsyncClient() as client:
            assert (await client.get(url)).text == "ok"
        leaked = httpx.AsyncClient()
        await leaked.get(url)
        del leaked
        gc.collect()
        server.close()

    asyncio.run(main())
    """
    )
    check_hooks(recording)
    assert told(recording, "httpx.AsyncClient") == [
        ("OPEN", 0),
        ("OP", 0),
        ("OP", 1),
        ("CLOSE", 0),
        ("OPEN", 0),
        ("OP", 0),
        ("OP", 1),
        ("LOST", 0),
    ]
    lines = [row.stack[0][2] for row in recording.named("SESSION_OPEN")]
    assert recording.named("SESSION_OPEN")[1].stack[0][1] == "main" and lines[0] < lines[1]


def test_sqlalchemy(probe_program):
    pytest.importorskip("sqlalchemy")
    pytest.importorskip("aiosqlite")
    pytest.importorskip("greenlet")
    recording = probe_program(
        """
        import asyncio
        import sqlalchemy
        from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

        async def main():
            engine = create_async_engine("sqlite+aiosqlite:///program.db")
            async with AsyncSession(engine) as session:
                assert (await session.execute(sqlalchemy.text("select 1"))).scalar() == 1
                try:
                    await session.execute(sqlalchemy.text("select * from nothing"))
                except sqlalchemy.exc.OperationalError:
                    pass
                await asyncio.sleep(0.1)
            await engine.dispose()

        asyncio.run(main())
        """
    )
    check_hooks(recording)
    assert told(recording, "sqlalchemy.AsyncEngine") == [("OPEN", 0), ("CLOSE", 0)]
    assert told(recording, "sqlalchemy.AsyncSession") == [
        ("OPEN", 0),
        ("OP", 0),
        ("OP", 1),
        ("OP", 0),
        ("OP", 2),
        ("CLOSE", 0),
    ]
    assert {row.task for row in recording.named("SESSION_POOL")} >= {1}
    os.path.exists("program.db") and os.remove("program.db")


def test_websockets(probe_program):
    pytest.importorskip("websockets")
    recording = probe_program(
        """
        import asyncio, websockets
        try:
            from websockets.asyncio.server import serve
            from websockets.asyncio.client import connect
        except ImportError:
            from websockets import serve, connect

        async def echo(connection):
            async for message in connection:
                await connection.send(message)

        async def main():
            async with serve(echo, "127.0.0.1", 0) as server:
                port = list(server.sockets)[0].getsockname()[1]
                async with connect("ws://127.0.0.1:%d" % port) as connection:
                    await connection.send("hello")
                    assert await connection.recv() == "hello"

        asyncio.run(main())
        """
    )
    check_hooks(recording)
    rows = told(recording, "websockets.Connection")
    assert rows.count(("OPEN", 0)) == 2 and rows.count(("CLOSE", 0)) == 2
    assert rows.count(("OP", 1)) == 2
    assert "main" in [row.stack[0][1] for row in recording.named("SESSION_OPEN") if row.stack]


def test_redis(probe_program):
    pytest.importorskip("redis")
    recording = probe_program(
        """
        import asyncio, redis.asyncio

        async def serve(reader, writer):
            # Just enough of RESP: +OK to whatever comes, $5 to GET.
            while True:
                line = await reader.readline()
                if not line:
                    break
                words = []
                for _ in range(int(line[1:])):
                    size = int((await reader.readline())[1:])
                    words.append((await reader.readexactly(size + 2))[:-2])
                if words[0] == b"GET":
                    await asyncio.sleep(0.1)
                    writer.write(b"$5\\r\\nvalue\\r\\n")
                elif words[0] == b"HELLO":
                    writer.write(b"%1\\r\\n$5\\r\\nproto\\r\\n:3\\r\\n")
                else:
                    writer.write(b"+OK\\r\\n")
            writer.close()

        async def main():
            server = await asyncio.start_server(serve, "127.0.0.1", 0)
            port = server.sockets[0].getsockname()[1]
            client = redis.asyncio.Redis(port=port)
            assert await client.get("key") == b"value"
            await (client.aclose() if hasattr(client, "aclose") else client.close())
            server.close()

        asyncio.run(main())
        """
    )
    check_hooks(recording)
    assert told(recording, "redis.asyncio.Redis") == [("OPEN", 0), ("OP", 0), ("OP", 1), ("CLOSE", 0)]
    assert recording.named("SESSION_OPEN")[0].stack[0][1] == "main"
    pool = told(recording, "redis.asyncio.ConnectionPool")
    assert pool[0] == ("OPEN", 0) and pool[-1] == ("CLOSE", 0)
    assert 1 in {row.task for row in recording.named("SESSION_POOL")}


def test_mcp(probe_program, tmp_path):
    pytest.importorskip("mcp")
    recording = probe_program(
        """
        import asyncio, sys, anyio
        import mcp
        from mcp import ClientSession, StdioServerParameters
        from mcp.client.stdio import stdio_client

        SERVER = "\\n".join([
            "try:",
            "    from mcp.server.mcpserver import MCPServer as Server",
            "except ImportError:",
            "    from mcp.server.fastmcp import FastMCP as Server",
            "server = Server('demo')",
            "@server.tool()",
            "def add(a: int, b: int) -> int:",
            "    return a + b",
            "server.run()",
        ])

        async def main():
            parameters = StdioServerParameters(command=sys.executable, args=["-c", SERVER])
            async with stdio_client(parameters) as (read, write):
                async with ClientSession(read, write) as session:
                    await session.initialize()
                    result = await session.call_tool("add", {"a": 1, "b": 2})
                    print(result.content[0].text)

        anyio.run(main)
        """,
        timeout=90,
    )
    assert recording.stdout.strip() == "3"
    check_hooks(recording)
    rows = told(recording, "mcp.ClientSession")
    assert rows[0] == ("OPEN", 0) and rows[-1] == ("CLOSE", 0)
    assert rows.count(("OP", 1)) >= 2
    assert recording.named("SESSION_OPEN")[0].stack[0][1] == "main"


def _postgres(tmp_path):
    """A PostgreSQL server of its own on a free port; None (and why) where there is none."""
    server, initdb = shutil.which("postgres"), shutil.which("initdb")
    if not server or not initdb:
        return None, "no postgres and initdb on PATH"
    data = str(tmp_path / "data")
    user = {}
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        import pwd

        for name in ("postgres", "nobody"):
            try:
                entry = pwd.getpwnam(name)
            except KeyError:
                continue
            user = {"user": entry.pw_uid}
            os.makedirs(data)
            os.chown(data, entry.pw_uid, -1)
            path = data
            while os.path.dirname(path) != path:
                path = os.path.dirname(path)
                if path.startswith("/tmp/"):
                    os.chmod(path, os.stat(path).st_mode | 0o711)
            break
        else:
            return None, "postgres does not run as root and there is no other user"
        if sys.version_info < (3, 9):
            return None, "running as another user needs Python 3.9"
    made = subprocess.run([initdb, "-D", data, "-U", "tester", "-A", "trust"], capture_output=True, cwd="/", **user)
    if made.returncode:
        return None, "initdb failed: %s" % made.stderr.decode(errors="replace")[-300:]
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [server, "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", data],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        **user,
    )
    for _ in range(100):
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                return process, port
        if process.poll() is not None:
            return None, "postgres ended with %d" % process.returncode
        time.sleep(0.1)
    process.terminate()
    return None, "postgres did not open its port"


def test_asyncpg(probe_program, tmp_path):
    pytest.importorskip("asyncpg")
    process, port = _postgres(tmp_path)
    if process is None:
        pytest.skip(port)
    try:
        recording = probe_program(
            """
            import asyncio, asyncpg

            async def main():
                dsn = "postgres://tester@127.0.0.1:%d/postgres"
                connection = await asyncpg.connect(dsn)
                assert await connection.fetchval("select 1") == 1
                await connection.close()
                async with asyncpg.create_pool(dsn, min_size=1, max_size=2) as pool:
                    async with pool.acquire() as connection:
                        await connection.execute("select 1")
                        await asyncio.sleep(0.2)

            asyncio.run(main())
            """
            % port,
        )
    finally:
        process.terminate()
        process.wait(30)
    check_hooks(recording)
    rows = told(recording, "asyncpg.Connection")
    assert rows[:2] == [("OPEN", 0), ("OP", 0)] and rows.count(("CLOSE", 0)) == rows.count(("OPEN", 0)) == 2
    rows = told(recording, "asyncpg.Pool")
    assert rows[0] == ("OPEN", 0) and rows[-1] == ("CLOSE", 0) and rows.count(("OP", 1)) == 2
    assert (1, 2) in {(row.task, row.aux) for row in recording.named("SESSION_POOL")}


def test_nothing_is_imported_by_the_probe(probe_program):
    recording = probe_program(
        """
        import asyncio, json, sys

        asyncio.run(asyncio.sleep(0.05))
        names = ["aiohttp", "httpx", "mcp", "sqlalchemy", "asyncpg", "websockets", "redis", "anyio", "trio"]
        print(json.dumps([name for name in names if name in sys.modules]))
        """
    )
    assert recording.printed() == [[]]


def test_monitor_session(probe_program):
    recording = probe_program(
        """
        import asyncio, gc, async_health

        class Client:
            closed = 0

            async def close(self):
                self.closed += 1
                return "closed"

        async def main():
            client = Client()
            monitor = async_health.monitor_session(client, "billing")
            with monitor.operation():
                await asyncio.sleep(0.01)
            try:
                async with monitor.operation():
                    raise ValueError
            except ValueError:
                pass
            assert await client.close() == "closed" and client.closed == 1
            lost = Client()
            async_health.monitor_session(lost, "lost")
            del lost
            gc.collect()
            with async_health.monitor_session("just a name") as named, named.operation():
                pass

        asyncio.run(main())
        """
    )
    kinds = [row.text for row in recording.named("SESSION_OPEN")]
    assert kinds == ["__main__.Client", "__main__.Client", "session"]
    assert [row.text for row in recording.named("SESSION_NAME")] == ["billing", "lost", "just a name"]
    assert told(recording, "__main__.Client") == [
        ("OPEN", 0),
        ("OP", 0),
        ("OP", 1),
        ("OP", 0),
        ("OP", 2),
        ("CLOSE", 0),
        ("OPEN", 0),
        ("LOST", 0),
    ]
    assert told(recording, "session") == [("OPEN", 0), ("OP", 0), ("OP", 1), ("CLOSE", 0)]
