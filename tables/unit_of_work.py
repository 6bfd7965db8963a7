"""A batch over the tables of one domain: rows are read once, changed in memory, and written at its end or not at all.

Rules do not know of it. A batch belongs to one partition and holds no `await`: nothing else reads or writes meanwhile.
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
    """What holds back writes in a batch: a table, or sums that end in one."""

    def begin(self) -> None:
        """From here on hold back."""

    def write(self) -> None:
        """Hand on what is held, and hold back no more."""

    def drop(self) -> None:
        """Forget what is held."""


ParticipantT = TypeVar("ParticipantT", bound=Participant)


class UnitOfWork:
    """The tables of one domain, opened by it, and the batch that they are all in."""

    def __init__(self, open_table: OpenTable) -> None:
        self._open = open_table
        self._held: list[Participant] = []
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
            TypeError: when the catalogue gives it no model.
        """
        if spec.model is None:
            raise TypeError(f"table {spec.name!r} holds no rows; open it as raw")
        return self._keep(TypedTable(self._open(spec), spec.model))

    def join(self, held: Participant) -> None:
        """Have sums take part in batches: their `write` comes before that of the tables that were opened earlier."""
        self._held.append(held)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Hold back all writes of the block until it ends; when it raises, nothing of it is written.

        Raises:
            RuntimeError: inside of another batch: a batch is one unit.
        """
        if self._inside:
            raise RuntimeError("a batch has begun and not ended: it must not hold an `await`")
        self._inside = True
        try:
            for held in self._held:
                held.begin()
            yield
            for held in reversed(self._held):
                held.write()
        except BaseException:
            for held in self._held:
                held.drop()
            raise
        finally:
            self._inside = False

    def _keep(self, table: ParticipantT) -> ParticipantT:
        self._held.append(table)
        return table
