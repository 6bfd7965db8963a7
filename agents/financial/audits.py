"""Check a partition's money at ticks, and keep the result as a row, from which workers export metrics."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from streams.times import SECOND_US
from tables.financial import AUDIT_KEY, FINANCIAL_AUDITS, Audit
from tables.financial_audit import RULES, breaches
from tables.typed import TypedTable
from tables.unit_of_work import UnitOfWork


class Audits:
    """The audits of a partition."""

    def __init__(self, tables: UnitOfWork, audited: Mapping[str, TypedTable[Any]], every_s: int) -> None:
        self.rows = tables.rows(FINANCIAL_AUDITS)
        self._audited = audited
        self._every_us = every_s * SECOND_US

    def tick(self, now: int) -> bool:
        """Audit the partition, when the last audit is old enough. Return whether it was audited."""
        last = self.rows.get(AUDIT_KEY)
        if last is not None and now < last.at + self._every_us:
            return False
        found = Counter(breach.rule for breach in breaches(self._books()))
        self.rows.put(AUDIT_KEY, Audit(at=now, breaches={rule: found[rule] for rule in RULES}))
        return True

    def _books(self) -> dict[str, list[tuple[str, Any]]]:
        return {name: table.prefix("") for name, table in self._audited.items()}
