"""Read the last audits of the ledger from a worker's store, for its metrics."""

from __future__ import annotations

from collections.abc import Iterable

import faust

from deploy.committed_rows import committed_rows
from tables.financial import AUDIT_KEY, FINANCIAL_AUDITS, Audit


def last_audits(apps: Iterable[faust.App]) -> list[tuple[int, Audit]]:
    """Return the last audit of each partition that the app of the financial domain keeps, if it is among some apps."""
    return list(committed_rows(apps, FINANCIAL_AUDITS, AUDIT_KEY))
