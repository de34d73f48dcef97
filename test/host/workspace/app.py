"""Looks like an ASGI application; it is never run."""

from fastapi import FastAPI

application = FastAPI()
