"""The row of a deadline. Its key holds time, kind and subject (`agents.deadlines`)."""

from __future__ import annotations

from tables.row import Micros, Row


class Deadline(Row, frozen=True, kw_only=True):
    """A deadline and its time."""

    at: Micros
