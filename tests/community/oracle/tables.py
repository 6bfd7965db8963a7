"""Rows with their causes: a table that remembers which entries of the journal changed each row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.community.oracle.crossing import Rows

Row = dict[str, Any]


class Table:
    """Rows by key, as plain JSON. A row's causes are the entries that changed it, also those before it was removed."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows: dict[str, Row] = {}
        self.causes: dict[str, set[str]] = {}

    def get(self, key: str) -> Row | None:
        """Return a row, or None. Nobody changes it: `put` takes a new one."""
        return self.rows.get(key)

    def put(self, key: str, row: Row, causes: Iterable[str]) -> None:
        """Set a row. One that stays as it is has no further cause."""
        if self.rows.get(key) != row:
            self.rows[key] = row
            self.causes.setdefault(key, set()).update(causes)

    def change(self, key: str, causes: Iterable[str], **fields: Any) -> Row:
        """Change some fields of a row that exists, and return the new row."""
        row = {**self.rows[key], **fields}
        self.put(key, row, causes)
        return row

    def delete(self, key: str, causes: Iterable[str]) -> None:
        """Remove a row that exists."""
        del self.rows[key]
        self.causes[key].update(causes)


def rows_of(tables: Iterable[Table]) -> Rows:
    """Return the rows of tables by the tables' names."""
    return {table.name: dict(table.rows) for table in tables}


def folded(tables: Iterable[Table], name: str, key: str) -> set[str]:
    """Return the entries that changed a row."""
    return next((set(table.causes.get(key, ())) for table in tables if table.name == name), set())
