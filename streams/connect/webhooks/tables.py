"""The tables of webhooks. They belong to the database of accounts. Times are Unix microseconds (`..._us`)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
)

ID = String(64)


@dataclass(frozen=True, slots=True)
class WebhookTables:
    """The tables of one database.

    Attributes:
        hooks: The subscriptions: owner, URL, sealed secret, and the types of events.
        positions: For each subscription and partition, the next offset to read, and the epoch of the topic.
        deliveries: The events that wait for their next attempt (`next_us`), and those given up (`next_us` is null).
        leader: One row: the process that reads and posts, and until when.
    """

    hooks: Table
    positions: Table
    deliveries: Table
    leader: Table


def webhook_tables(metadata: MetaData) -> WebhookTables:
    """Return the tables as a part of a database's metadata, which has a table `accounts`."""
    hooks = Table(
        "webhooks",
        metadata,
        Column("id", ID, primary_key=True),
        Column("account_id", ID, ForeignKey("accounts.id"), nullable=False, index=True),
        Column("url", String(2048), nullable=False),
        Column("sealed_secret", LargeBinary, nullable=False),
        Column("types", JSON, nullable=False),  # the CloudEvents types that the owner wants
        Column("created_us", BigInteger, nullable=False),
    )
    positions = Table(
        "webhook_positions",
        metadata,
        Column("webhook_id", ID, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
        Column("topic", String(128), nullable=False),
        Column("partition", Integer, nullable=False),
        Column("epoch", String(32), nullable=False),
        Column("next_offset", BigInteger, nullable=False),
        PrimaryKeyConstraint("webhook_id", "topic", "partition"),
    )
    deliveries = Table(
        "webhook_deliveries",
        metadata,
        Column("webhook_id", ID, ForeignKey("webhooks.id", ondelete="CASCADE"), nullable=False),
        Column("event_id", ID, nullable=False),
        Column("type", String(128), nullable=False),
        Column("body", LargeBinary, nullable=False),
        Column("attempts", Integer, nullable=False),
        Column("created_us", BigInteger, nullable=False),
        Column("next_us", BigInteger, nullable=True),
        Column("last_error", String(256), nullable=True),
        PrimaryKeyConstraint("webhook_id", "event_id"),
    )
    Index("ix_webhook_deliveries_next_us", deliveries.c.next_us)
    leader = Table(
        "webhook_leader",
        metadata,
        Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
        Column("holder", String(128), nullable=False),
        Column("until_us", BigInteger, nullable=False),
    )
    return WebhookTables(hooks, positions, deliveries, leader)
