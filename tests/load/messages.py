"""What the harness and its generator processes tell each other: files of MessagePack, and lines of JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeVar

import msgspec

Kind = Literal["command", "fills", "read"]
NO_ANSWER = 0
"""The status of a request that got no answer: a broken connection, or none in time."""


class Planned(msgspec.Struct, frozen=True):
    """A request, as bytes, and when it is due: seconds after the beginning of the step."""

    number: int
    due_s: float
    kind: Kind
    name: str
    raw: bytes


class Outcome(msgspec.Struct, frozen=True):
    """What became of a request. Times are seconds after the beginning of the step.

    Attributes:
        sent_s: When its bytes were written.
        answered_s: When its answer was whole, or when the generator gave up.
        status: The status, or `NO_ANSWER`.
        body: The answer to a command or to fills; empty for reads.
    """

    number: int
    sent_s: float
    answered_s: float
    status: int
    body: bytes


class Order(msgspec.Struct, frozen=True):
    """Tells a generator to send the requests of a file from a moment (`time.monotonic`) on."""

    plan: str
    out: str
    begin_s: float


class Seen(msgspec.Struct, frozen=True):
    """The first row of a user that a subscriber got in a step, and when (`time.monotonic`)."""

    subscriber: int
    transport: Literal["sse", "websocket"]
    user: str
    at_s: float


ItemT = TypeVar("ItemT", Planned, Outcome, Seen)


def write(path: Path, items: list[ItemT]) -> None:
    """Write a file at once: a reader finds all of it, or none."""
    temporary = path.with_suffix(".new")
    temporary.write_bytes(msgspec.msgpack.encode(items))
    temporary.replace(path)


def read(path: Path, model: type[ItemT]) -> list[ItemT]:
    """Return the items of a file."""
    return msgspec.msgpack.decode(path.read_bytes(), type=list[model])  # type: ignore[valid-type]
