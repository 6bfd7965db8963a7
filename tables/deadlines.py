"""The rows of deadlines. A key is ``<19 digits of microseconds>|<kind>|<subject>``, so keys sort by time."""

from __future__ import annotations

from typing import NamedTuple

from tables.keys import SEPARATOR
from tables.row import Micros, Row


class Deadline(Row, frozen=True, kw_only=True):
    """A deadline and its time."""

    at: Micros


class DeadlineParts(NamedTuple):
    """What the key of a deadline says: its time in microseconds, its kind and its subject."""

    at: int
    kind: str
    subject: str


def deadline_key(kind: str, subject: str, at: int) -> str:
    """Return the key of a deadline."""
    return SEPARATOR.join((f"{at:019d}", kind, subject))


def parts_of(key: str) -> DeadlineParts:
    """Return what the key of a deadline says."""
    at, kind, subject = key.split(SEPARATOR, 2)
    return DeadlineParts(int(at), kind, subject)
