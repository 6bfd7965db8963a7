"""The typed events of the measured agents, and their topics and table."""

from __future__ import annotations

from typing import Any

import faust
import msgspec
from faust_redis.typed import Typed

from tests.bench.apps.spec import TABLE, WorkerSpec


class Order(msgspec.Struct):
    """The 200-byte event of `tests.bench.payload`."""

    id: int
    key: str
    amount: float
    pad: str


class Counted(msgspec.Struct):
    """An output of an agent of kind `output`: how often the event's key has come, this event included."""

    id: int
    key: str
    count: int


def source(app: faust.App, spec: WorkerSpec) -> Any:
    """Return the topic that the agent reads."""
    return app.topic(spec.topic, schema=Typed(Order), partitions=spec.partitions)


def output(app: faust.App, spec: WorkerSpec) -> Any:
    """Return the topic that an agent of kind `output` writes."""
    return app.topic(spec.output, schema=Typed(Counted), partitions=spec.partitions)


def counts(app: faust.App, spec: WorkerSpec) -> Any:
    """Return the changelogged table that counts events by key."""
    return app.Table(TABLE, default=int, partitions=spec.partitions, key_type=str)
