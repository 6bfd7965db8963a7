"""The two tables of the outbox. They belong to the database whose changes are published."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, MetaData, String, Table

HEAD_ID: Final = 1
INCARNATION_BYTES: Final = 6  # the log stores an incarnation as a number, and its script is exact up to 53 bits


@dataclass(frozen=True, slots=True)
class OutboxTables:
    """The tables of one database.

    Attributes:
        head: One row with `last`, the number of the last event, and `incarnation`, the random name of this outbox. A
            transaction that adds events updates this row at its end and holds its lock until it has committed. So
            events have dense numbers in the order of their commits.
        events: One row for each event: its number, topic, key, time (Unix microseconds) and encoded event.
    """

    head: Table
    events: Table


def outbox_tables(metadata: MetaData) -> OutboxTables:
    """Return the outbox's tables as a part of a database's metadata."""
    head = Table(
        "outbox_head",
        metadata,
        Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
        Column("incarnation", String(2 * INCARNATION_BYTES), nullable=False),
        Column("last", BigInteger, nullable=False),
    )
    events = Table(
        "outbox_events",
        metadata,
        Column("number", BigInteger, primary_key=True, autoincrement=False),
        Column("topic", String(128), nullable=False),
        Column("key", String(128), nullable=False),
        Column("time_us", BigInteger, nullable=False),
        Column("added_us", BigInteger, nullable=False),
        Column("value", LargeBinary, nullable=False),
    )
    return OutboxTables(head, events)


def first_head() -> dict[str, Any]:
    """Return the row of a new outbox's head. The migration that creates the tables inserts it."""
    return {"id": HEAD_ID, "incarnation": secrets.token_hex(INCARNATION_BYTES), "last": 0}
