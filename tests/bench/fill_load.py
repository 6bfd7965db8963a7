"""Bodies of `POST /v1/fills`, encoded before the measurement begins."""

from __future__ import annotations

import tempfile
from itertools import islice
from pathlib import Path

import orjson

from deploy.replay.fills import Fill, read_fills
from streams.times import HOUR_US, Instant
from tests.bench.synthetic import write_fills

HOUR_FROM = Instant.parse("2025-01-15T12:00:00Z")


def made_fills(count: int, *, users: int, seed: int) -> list[Fill]:
    """Return seeded fills of many users, as the ingress takes them."""
    with tempfile.TemporaryDirectory() as directory:
        path = write_fills(Path(directory) / "fills.csv", fills=count, users=users, seed=seed)
        return list(read_fills(path).fills)


def in_one_hour(fills: list[Fill]) -> list[Fill]:
    """Return the same fills within one hour, as when many users trade at once."""
    return [
        {**fill, "executed_at": Instant(HOUR_FROM + number * HOUR_US // len(fills)).text()}
        for number, fill in enumerate(fills)
    ]


def bodies(fills: list[Fill], batch: int) -> list[bytes]:
    """Return request bodies with the fills in order, a fixed number in each."""
    waiting = iter(fills)
    return [orjson.dumps({"fills": part}) for part in iter(lambda: list(islice(waiting, batch)), [])]


def headers(token: str, key: str | None = None) -> str:
    """Return the header lines of a request, with an Idempotency-Key or without."""
    lines = f"Authorization: Bearer {token}\r\n"
    return lines if key is None else f"{lines}Idempotency-Key: {key}\r\n"
