"""Host a worker inside FastAPI: one process takes requests, processes events and answers from its tables.

pip install fastapi uvicorn
uvicorn fastapi_app:api
curl -X POST localhost:8000/clicks/ada
curl localhost:8000/clicks/ada
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import faust
from fastapi import FastAPI

app = faust.App("fastapi-clicks", broker=os.environ.get("BROKER_URL", "redis://localhost:6379"), web_enabled=False)

clicks = app.topic("clicks", key_type=str, value_type=int)
counts = app.Table("counts", default=int, key_type=str, value_type=int)


@app.agent(clicks)
async def count(stream: faust.StreamT[int]) -> None:
    """Count the clicks of a user."""
    async for user, number in stream.items():
        counts[user] += number


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    """Run the worker as long as the API runs."""
    app.finalize()
    await app.start()
    try:
        yield
    finally:
        await app.stop()


api = FastAPI(lifespan=lifespan)


@api.post("/clicks/{user}", status_code=202)
async def click(user: str) -> None:
    """Append a click."""
    await clicks.send(key=user, value=1)


@api.get("/clicks/{user}")
async def clicks_of(user: str) -> int:
    """Return how many clicks of a user this worker has counted."""
    return counts[user]
