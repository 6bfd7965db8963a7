"""Errors that the relay cannot repair. Each message says what the relay found and what the operator can do."""

from __future__ import annotations


class OutboxError(Exception):
    """The database and the log do not belong together any more. Publishing more would double or mix events."""


class OtherDatabaseError(OutboxError):
    """The log holds the events of another database's outbox."""


class DatabaseRolledBackError(OutboxError):
    """The log holds events that the database no longer has: the database was restored to an earlier state."""


class OutboxDamagedError(OutboxError):
    """The outbox breaks its own rules, so something other than a unit of work changed its tables."""


class UndeclaredTopicError(OutboxError):
    """An event of the outbox belongs to a topic that the topology does not declare."""
