"""What a mover writes to the tables of one partition, so that its children have their rows.

Nothing else may change the rows meanwhile: every event was processed by every domain. A mover first shows the rows of
the `PLANNED` tables to a `PartitionPlan` and stores the plan's writes, which follow from the rows as they were. It then
writes these, and moves the rows of all other tables one by one (`moved`). Each write can be repeated, and so can
`moved` over the rows that are left.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Final

from faust_redis.resizing import Split

from streams.units import Quantity
from tables.accounts import TRANSIT, account_of, ledger_key
from tables.financial import FINANCIAL_LEDGER, Balance
from tables.resizing.product import RULES
from tables.resizing.rules import Dropped, Empty, Owned, RawRows, Reshaped, Write

PLANNED: Final = (
    *(name for name, rule in RULES.items() if isinstance(rule, Reshaped | Dropped | Empty)),
    FINANCIAL_LEDGER.name,
)
"""The tables whose rows a plan has to see: small ones, and the ledger, of which it only keeps sums."""


class NotReadyError(Exception):
    """The rows cannot be divided now. The message says why."""


class MisplacedError(Exception):
    """A row is not in the partition of its owner."""


class PartitionPlan:
    """The writes that follow from all rows of a partition together: those of small tables, and transit accounts.

    The accounts of an asset sum to 0 in each partition. So what users take along goes through `transit`: the partition
    has it there on top, and each child has as much less. The sum of transit over all partitions stays.
    """

    def __init__(self, split: Split, parent: int) -> None:
        self._split = split
        self._parent = parent
        self._rows: dict[str, dict[str, bytes]] = defaultdict(dict)
        self._transit: dict[str, int] = defaultdict(int)
        self._taken: dict[tuple[int, str], int] = defaultdict(int)
        """What users take along, by child and asset."""
        self._counted: set[str] = set()
        """The keys of the accounts that `_taken` has."""

    def see(self, table: str, key: str, raw: bytes) -> None:
        """Note a row of a table of `PLANNED`. One may come several times, as scans of the broker may show it so."""
        if table != FINANCIAL_LEDGER.name:
            self._rows[table][key] = raw
            return
        if key in self._counted:
            return
        account, asset = account_of(key)
        target = place_of(self._split, self._parent, table, key, raw)
        if target != self._parent:
            self._counted.add(key)
            self._taken[target, asset] += Balance.load(raw).amount
        elif account == TRANSIT:
            self._transit[asset] = Balance.load(raw).amount

    def refusal(self) -> str | None:
        """Return why the rows cannot be divided now; None when they can."""
        for table, rows in self._rows.items():
            rule = RULES[table]
            if isinstance(rule, Empty):
                return f"partition {self._parent} of {table} has rows: {rule.text}"
            if isinstance(rule, Reshaped) and rule.refusal is not None and (reason := rule.refusal(rows)):
                return f"partition {self._parent}: {reason}"
        return None

    def writes(self) -> list[Write]:
        """Return the writes.

        Raises:
            NotReadyError: the rows cannot be divided now.
        """
        if reason := self.refusal():
            raise NotReadyError(reason)
        return [*self._reshaped(), *self._balances()]

    def _reshaped(self) -> Iterator[Write]:
        for table, before in self._rows.items():
            rule = RULES[table]
            after = rule.rows(self._split, self._parent, before) if isinstance(rule, Reshaped) else {}
            for partition, rows in after.items():
                for key, raw in rows.items():
                    if partition != self._parent or before.get(key) != raw:
                        yield Write(table, partition, key, raw)
            for key in before.keys() - after.get(self._parent, {}).keys():
                yield Write(table, self._parent, key, None)

    def _balances(self) -> Iterator[Write]:
        left = dict(self._transit)
        for (child, asset), amount in sorted(self._taken.items()):
            if amount:
                left[asset] = left.get(asset, 0) + amount
                yield _transit(child, asset, -amount)
        for asset, amount in sorted(left.items()):
            if amount != self._transit.get(asset, 0):
                yield _transit(self._parent, asset, amount)


def _transit(partition: int, asset: str, amount: int) -> Write:
    row = Balance(amount=Quantity(amount))
    return Write(FINANCIAL_LEDGER.name, partition, ledger_key(TRANSIT, asset), row.dump())


def place_of(split: Split, parent: int, table: str, key: str, raw: bytes) -> int:
    """Return the partition where a row of `parent` belongs; the same one for a table whose rows no key owns.

    Raises:
        MisplacedError: the row belongs to no child of `parent`.
    """
    rule = RULES[table]
    owner = rule.owner(key, raw) if isinstance(rule, Owned) else None
    if owner is None:
        return parent
    target = split.partition(owner)
    if split.parent_of(target) != parent:
        raise MisplacedError(f"{table} has {key!r} in partition {parent}, and its owner {owner!r} belongs to {target}")
    return target


def moved(split: Split, parent: int, table: str, key: str, raw: bytes) -> list[Write]:
    """Return the writes that move a row of a partition to the child that it belongs to; none for one that stays.

    Raises:
        MisplacedError: the row belongs to no child of `parent`.
    """
    rule = RULES[table]
    target = place_of(split, parent, table, key, raw)
    if target == parent or not isinstance(rule, Owned):
        return []
    brought = rule.brings(key, raw) if rule.brings is not None else ()
    return [
        Write(table, target, key, raw),
        *(Write(other, target, name, row) for other, name, row in brought),
        Write(table, parent, key, None),
    ]


def divided(tables: Mapping[str, RawRows], split: Split, parent: int) -> dict[int, dict[str, dict[str, bytes]]]:
    """Return the rows of a partition and its children, by partition and table, from the rows that it has.

    Raises:
        NotReadyError: the rows cannot be divided now.
        MisplacedError: a row is not in the partition of its owner.
    """
    after: dict[int, dict[str, dict[str, bytes]]] = {
        one: {table: {} for table in tables} for one in split.family(parent)
    }
    after[parent] = {table: dict(rows) for table, rows in tables.items()}
    for table, partition, key, value in _writes(tables, split, parent):
        rows = after[partition].setdefault(table, {})
        if value is None:
            rows.pop(key, None)
        else:
            rows[key] = value
    return after


def _writes(tables: Mapping[str, RawRows], split: Split, parent: int) -> Iterator[Write]:
    plan = PartitionPlan(split, parent)
    for table in PLANNED:
        for key, raw in tables.get(table, {}).items():
            plan.see(table, key, raw)
    yield from plan.writes()
    for table, rows in tables.items():
        for key, raw in rows.items():
            yield from moved(split, parent, table, key, raw)
