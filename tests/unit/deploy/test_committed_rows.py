"""Rows for metrics are read from the store of their domain's app, and of no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faust
from faust.types import TP

from deploy.committed_rows import committed_rows
from tables.financial import AUDIT_KEY, FINANCIAL_AUDITS, Audit


async def test_the_last_audits_of_the_financial_domain_are_read_from_its_store(tmp_path: Path) -> None:
    apps = [
        faust.App(f"demo-{domain}", store="faust-redis-rocksdb://", datadir=tmp_path / domain, topic_partitions=2)
        for domain in ("social", "financial")
    ]
    for app in apps:
        table = app.Table(FINANCIAL_AUDITS.short_name, key_type=bytes, value_type=bytes)
        app.finalize()
        store: Any = table.data
        place = TP(f"{app.conf.id}-{FINANCIAL_AUDITS.short_name}-changelog", 1)
        await store.on_rebalance({place}, set(), {place})
        row = Audit(at=7, breaches={"balanced": 1}).dump()
        store.database.write(FINANCIAL_AUDITS.short_name, 1, [(AUDIT_KEY.encode(), row)])
    assert list(committed_rows(apps, FINANCIAL_AUDITS, AUDIT_KEY)) == [(1, Audit(at=7, breaches={"balanced": 1}))]
    assert list(committed_rows(apps[:1], FINANCIAL_AUDITS, AUDIT_KEY)) == []
    for app in apps:
        opened: Any = app.tables[FINANCIAL_AUDITS.short_name]
        await opened.data.on_stop()
