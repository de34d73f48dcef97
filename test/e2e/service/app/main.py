"""A small shop: stock and ledger, each behind a lock of its own. Payments and refunds take the two locks in opposite order."""

import asyncio

import httpx
from fastapi import FastAPI, Request

app = FastAPI()
stock_lock = asyncio.Lock()
ledger_lock = asyncio.Lock()


@app.get("/health")
async def health():
    return {"ok": True}


@app.get("/relay")
async def relay(request: Request):
    """Asks this very service, as a gateway asks another."""
    async with httpx.AsyncClient(base_url=str(request.base_url)) as client:
        answer = await client.get("/health")
    return answer.json()


@app.get("/pay")
async def pay():
    async with stock_lock:  # @pay holds
        await asyncio.sleep(0.2)
        async with ledger_lock:  # @pay waits
            return {"paid": True}


@app.get("/refund")
async def refund():
    async with ledger_lock:  # @refund holds
        await asyncio.sleep(0.2)
        async with stock_lock:  # @refund waits
            return {"refunded": True}
