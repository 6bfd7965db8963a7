"""Whether rows that keys own are in the partitions of these keys, as the rules of resizing say."""

from __future__ import annotations

from faust_redis.resizing import Split

from tables.resizing.product import RULES
from tables.resizing.rules import Owned
from tests.community.compared.engine import Stored


def misplaced(stored: Stored, partitions: int) -> list[str]:
    """Return a text for each row that is in another partition than its owner's key."""
    split, found = Split(1, partitions), []
    for table, rows in stored.items():
        rule = RULES[table]
        if not isinstance(rule, Owned):
            continue
        for partition, key, row in rows:
            owner = rule.owner(key, row if isinstance(row, bytes) else row.dump())
            if owner is not None and split.partition(owner) != partition:
                found.append(f"{table} has {key!r} in partition {partition}, not in that of {owner!r}")
    return found
