"""A bare ASGI application with a task of its own per process."""

import asyncio
import os


async def heartbeat():
    while True:
        await asyncio.sleep(0.05)


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                app.task = asyncio.create_task(heartbeat())
                await send({"type": "lifespan.startup.complete"})
            else:
                app.task.cancel()
                await send({"type": "lifespan.shutdown.complete"})
                return
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/plain")]})
    await send({"type": "http.response.body", "body": str(os.getpid()).encode()})  # @answer
