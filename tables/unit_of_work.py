"""A batch over the tables of one domain. It reads rows once, changes them in memory, and writes all or none at its end.

Rules do not depend on the batch. A batch belongs to one partition and contains no `await`, so no other code reads or
writes the tables meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from streams.topology import TableSpec
from tables.row import Row
from tables.typed import OpenTable, RankedTable, RawTable, TypedTable

RowT = TypeVar("RowT", bound=Row)


class Participant(Protocol):
    """A part of a batch that keeps writes in memory: a table, or sums that a table stores."""

    def begin(self) -> None:
        """Start to keep writes in memory."""

    def write(self) -> None:
        """Write the pending changes, and stop keeping writes in memory."""

    def drop(self) -> None:
        """Drop the pending changes."""


ParticipantT = TypeVar("ParticipantT", bound=Participant)


class UnitOfWork:
    """Opens the tables of one domain, and runs the batch that all of them take part in."""

    def __init__(self, open_table: OpenTable) -> None:
        self._open = open_table
        self._participants: list[Participant] = []
        self._inside = False

    def raw(self, spec: TableSpec[Any]) -> RawTable:
        """Open a table of bytes."""
        return self._keep(RawTable(self._open(spec)))

    def ranked(self, spec: TableSpec[Any]) -> RankedTable:
        """Open a ranked table."""
        return self._keep(RankedTable(self._open(spec)))

    def rows(self, spec: TableSpec[RowT]) -> TypedTable[RowT]:
        """Open a table of rows.

        Raises:
            TypeError: when the declaration of the table has no model.
        """
        if spec.model is None:
            raise TypeError(f"table {spec.name!r} holds no rows; open it as raw")
        return self._keep(TypedTable(self._open(spec), spec.model))

    def join(self, participant: Participant) -> None:
        """Add sums to the batches. Their `write` runs before that of tables opened earlier."""
        self._participants.append(participant)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Keep all writes of the block in memory until it ends. When the block raises, nothing is written.

        Raises:
            RuntimeError: when another batch has not ended.
        """
        if self._inside:
            raise RuntimeError("a batch has begun and not ended: it must not hold an `await`")
        self._inside = True
        try:
            for participant in self._participants:
                participant.begin()
            yield
            for participant in reversed(self._participants):
                participant.write()
        except BaseException:
            for participant in self._participants:
                participant.drop()
            raise
        finally:
            self._inside = False

    def _keep(self, table: ParticipantT) -> ParticipantT:
        self._participants.append(table)
        return table
