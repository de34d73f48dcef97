"""An ASGI application that starts a background task, for uvicorn and gunicorn."""

import asyncio


async def background():
    while True:
        await asyncio.sleep(0.1)


tasks = []


async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                tasks.append(asyncio.ensure_future(background()))
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})
