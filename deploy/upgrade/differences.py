"""Compare the rows of a replay with the rows of a moment, field by field as the installed code reads them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from faust_redis.cli.text import readable

from agents.shadow import Shadow
from deploy.upgrade.moment import Moment
from streams.topology import TableSpec, Topology
from streams.wire import WireError

WHOLE = "row"
"""The field of a row that has no named fields, or that only one side has."""


class Difference(NamedTuple):
    """A row that would be another one.

    Attributes:
        fields: By the field's name, its value now and the value that it would have. None for no row.
    """

    table: str
    partition: int
    key: str
    fields: dict[str, tuple[Any, Any]]

    def text(self) -> str:
        """Return the difference as one line."""
        fields = ", ".join(f"{name}: {now} → {then}" for name, (now, then) in self.fields.items())
        return f"{self.table}:{self.partition}  {self.key}  {fields}"


def differences(topology: Topology, after: Moment, shadow: Shadow) -> Iterator[Difference]:
    """Yield the rows that differ, by table, partition and key."""
    for table in topology.tables:
        if table.domain not in after.domains:
            continue
        for partition in range(after.partitions):
            now: Mapping[bytes, bytes] = after.rows.get(table.name, {}).get(partition, {})
            then: Mapping[bytes, bytes] = shadow.readers[table.domain, partition].fold.rows.get(table.name, {})
            for key in sorted({key for key in now.keys() | then.keys() if now.get(key) != then.get(key)}):
                if fields := changed_fields(table, now.get(key), then.get(key)):
                    yield Difference(table.name, partition, key.decode("utf-8", "backslashreplace"), fields)


def changed_fields(table: TableSpec[Any], now: bytes | None, then: bytes | None) -> dict[str, tuple[Any, Any]]:
    """Return the fields that differ. A field that the stored row lacks has its default."""
    if now is None or then is None or table.model is None:
        return {WHOLE: (_whole(table, now), _whole(table, then))}
    try:
        before, after = table.model.load(now).as_json(), table.model.load(then).as_json()
    except WireError as exc:
        return {WHOLE: (f"cannot be read: {exc}", _whole(table, then))}
    return {name: (before[name], after[name]) for name in after if before[name] != after[name]}


def _whole(table: TableSpec[Any], raw: bytes | None) -> Any:
    if raw is None:
        return None
    try:
        row: Mapping[str, Any] | str = readable(raw) if table.model is None else table.model.load(raw).as_json()
    except WireError:
        return readable(raw)
    return row
