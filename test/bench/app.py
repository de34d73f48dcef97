"""A web application under load: `python app.py MODE fastapi|aiohttp [forever]`. Prints its port, then serves until its input ends.

A request takes a lock, starts two tasks and waits for both under a timeout: what handlers do.
"""

import socket
import sys
import threading

import modes

MODE, KIND = sys.argv[1:3]
#: under a debugger there is no input; the debugger ends the program
FOREVER = "forever" in sys.argv
#: glibc gives the top of the heap back to the kernel as soon as 128 KB of it are free, here two or three times a request (a fifth of
#: its CPU), until somebody has freed a larger block: a debugger, a probe, any large answer. So that every mode runs the same heap:
bytes(16 << 20)
modes.activate(MODE)

import asyncio  # noqa: E402


async def lookup(number):
    await asyncio.sleep(0)
    return {"id": number, "price": number * 3}


class Shop:
    def __init__(self):
        self.lock = asyncio.Lock()
        self.served = 0

    async def answer(self, number):
        async with self.lock:
            self.served += 1
        items = await asyncio.wait_for(
            asyncio.gather(asyncio.ensure_future(lookup(number)), asyncio.ensure_future(lookup(number + 1))), 5
        )
        return {"items": items, "served": self.served}


def listening():
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.bind(("127.0.0.1", 0))
    sock.listen(128)
    print(sock.getsockname()[1], flush=True)
    return sock


async def serve_fastapi(sock):
    import uvicorn
    from fastapi import FastAPI

    app, shop = FastAPI(), Shop()

    @app.get("/items/{number}")
    async def item(number: int):
        return await shop.answer(number)

    config = uvicorn.Config(app, log_level="error", access_log=False, loop="asyncio", http="h11")
    await uvicorn.Server(config).serve(sockets=[sock])


async def serve_aiohttp(sock):
    from aiohttp import web

    shop = Shop()

    async def item(request):
        return web.json_response(await shop.answer(int(request.match_info["number"])))

    app = web.Application()
    app.router.add_get("/items/{number}", item)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.SockSite(runner, sock).start()
    await asyncio.Event().wait()


def end_with_input():
    sys.stdin.read()
    modes.finish()  # @never


async def main():
    modes.install(MODE, asyncio.get_running_loop())
    await {"fastapi": serve_fastapi, "aiohttp": serve_aiohttp}[KIND](listening())


if not FOREVER:
    threading.Thread(target=end_with_input, daemon=True).start()
asyncio.run(main())
