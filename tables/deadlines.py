"""The row of a deadline: something to do at a time. Its key holds time, kind and subject (`agents.deadlines`)."""

from __future__ import annotations

from tables.row import Micros, Row


class Deadline(Row, frozen=True, kw_only=True):
    """Something to do at a time."""

    at: Micros
