"""The agent whose pauses are measured: it counts raw bytes by key, so that a pause is the group's, not the agent's."""

from __future__ import annotations

from typing import Any

import faust

from tests.bench.apps.spec import TABLE, WorkerSpec


def register(app: faust.App, spec: WorkerSpec) -> None:
    """Add the agent; it has one kind."""
    topic = app.topic(spec.topic, key_serializer="raw", value_serializer="raw")
    counts = app.Table(TABLE, key_type=bytes, value_type=bytes)

    @app.agent(topic)
    async def count(stream: Any) -> None:
        async for event in stream.events():
            counts[event.key] = str(int(counts.get(event.key) or b"0") + 1).encode()
