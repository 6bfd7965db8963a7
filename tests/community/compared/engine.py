"""Compare the product's rows with the oracle's: project, add up what several partitions hold, and list differences."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final, NamedTuple

from tables.domains import TOPOLOGY
from tests.community import compared
from tests.community.oracle.crossing import Rows

Plain = dict[str, Any]
Projection = Callable[[str, Any], Iterable[tuple[str, Plain]]]

MISSING: Final = "(no row)"


class StoredRow(NamedTuple):
    """A row of the product: the partition that holds it, its key, and the row, or bytes where a table has no rows."""

    partition: int
    key: str
    row: Any


Stored = Mapping[str, Iterable[StoredRow]]
"""The rows of the product, by table."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that the product and the oracle have otherwise."""

    table: str
    key: str
    product: object
    oracle: object

    def text(self) -> str:
        """Return the difference in lines. Of two rows it shows only the fields that differ."""
        ours, theirs = self.product, self.oracle
        if isinstance(ours, dict) and isinstance(theirs, dict):
            names = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
            lines = [f"  {name}: product {ours.get(name)!r}, oracle {theirs.get(name)!r}" for name in names]
            return "\n".join([f"{self.table} {self.key}", *lines])
        return f"{self.table} {self.key}\n  product {ours!r}\n  oracle {theirs!r}"


@dataclass(frozen=True, slots=True)
class Rules:
    """What the modules of `compared` say, joined."""

    tables: Mapping[str, Projection]
    summed: Mapping[str, frozenset[str]]
    partitioned: frozenset[str]
    empty: frozenset[str]
    not_compared: Mapping[str, str]


def rules(*names: str) -> Rules:
    """Return the rules of some domains, by default of all that have a module."""
    found = [import_module(f"{compared.__name__}.{name}") for name in names or _modules()]
    tables: dict[str, Projection] = {}
    summed: dict[str, frozenset[str]] = {}
    partitioned: set[str] = set()
    empty: set[str] = set()
    reasons: dict[str, str] = {}
    for module in found:
        tables |= module.TABLES
        summed |= {table: frozenset(fields) for table, fields in getattr(module, "SUMMED", {}).items()}
        partitioned |= {*getattr(module, "PARTITIONED", ())}
        empty |= {*getattr(module, "EMPTY", ())}
        reasons |= getattr(module, "NOT_COMPARED", {})
    return Rules(tables, summed, frozenset(partitioned), frozenset(empty), reasons)


def _modules() -> list[str]:
    here = {module.name for module in pkgutil.iter_modules(compared.__path__)}
    return [name for name in TOPOLOGY.names if name in here]


def project(stored: Stored, by: Rules) -> Rows:
    """Return the product's rows in the oracle's shape.

    Raises:
        ValueError: two rows have one key of the oracle, and a field differs that does not add up.
    """
    found: Rows = {}
    for table, projection in by.tables.items():
        rows = found.setdefault(table, {})
        summed = by.summed.get(table)
        for one in stored.get(table, ()):
            part = f"{one.partition}/" if table in by.partitioned else ""
            for name, plain in projection(one.key, one.row):
                key = part + name
                rows[key] = plain if key not in rows else _joined(table, key, rows[key], plain, summed)
    return found


def _joined(table: str, key: str, first: Plain, second: Plain, summed: frozenset[str] | None) -> Plain:
    if summed is None:
        raise ValueError(f"{table}: two rows are {key}")
    joined = {name: first[name] + second[name] if name in summed else first[name] for name in first}
    for name in first.keys() | second.keys():
        if name not in summed and first.get(name) != second.get(name):
            raise ValueError(f"{table}: two rows are {key}, and their {name} do not add up")
    return joined


def differences(stored: Stored, oracle: Rows, by: Rules) -> Iterator[Difference]:
    """Yield the rows that differ, those that one side lacks, and the rows of tables that should be empty."""
    product = project(stored, by)
    for table in sorted(product):
        ours, theirs = product[table], oracle.get(table, {})
        for key in sorted(ours.keys() | theirs.keys()):
            mine, other = ours.get(key, MISSING), theirs.get(key, MISSING)
            if mine != other:
                yield Difference(table, key, mine, other)
    for table in sorted(by.empty):
        for one in stored.get(table, ()):
            yield Difference(table, one.key, one.row, MISSING)
