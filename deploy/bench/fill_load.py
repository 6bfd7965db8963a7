"""Bodies of `POST /v1/fills`, encoded before anything is measured."""

from __future__ import annotations

import tempfile
from itertools import islice
from pathlib import Path

import orjson

from deploy.bench.synthetic import write_fills
from deploy.replay.fills import Fill, read_fills


def made_fills(count: int, *, users: int, seed: int) -> list[Fill]:
    """Seeded fills of many users, as the ingress takes them."""
    with tempfile.TemporaryDirectory() as directory:
        path = write_fills(Path(directory) / "fills.csv", fills=count, users=users, seed=seed)
        return list(read_fills(path).fills)


def bodies(fills: list[Fill], batch: int) -> list[bytes]:
    """The fills in order, some in each body."""
    waiting = iter(fills)
    return [orjson.dumps({"fills": part}) for part in iter(lambda: list(islice(waiting, batch)), [])]


def headers(token: str, key: str | None = None) -> str:
    """Header lines of a request, with an Idempotency-Key or without."""
    lines = f"Authorization: Bearer {token}\r\n"
    return lines if key is None else f"{lines}Idempotency-Key: {key}\r\n"
