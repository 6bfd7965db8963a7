"""Rows for metrics are read from the store of their domain's app, and of no other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import faust
import pytest
from faust.types import TP

from deploy.committed_rows import watermarks_of
from deploy.financial_metrics import last_audits
from streams.topology import TableSpec
from tables.financial import AUDIT_KEY, FINANCIAL_AUDITS, FINANCIAL_WATERMARK, Audit
from tables.row import Row
from tables.watermark import PRACTICE_KEY, WATERMARK_KEY, Watermark

AUDIT = Audit(at=7, breaches={"balanced": 1})
MARK = Watermark(highest=7, dropped={"1h": 2})
PRACTICE = Watermark(highest=9, dropped={"1h": 1})
BOTH = Watermark(highest=9, dropped={"1h": 3})


@pytest.mark.parametrize(
    ("read", "spec", "rows", "found"),
    [
        (last_audits, FINANCIAL_AUDITS, {AUDIT_KEY: AUDIT}, (1, AUDIT)),
        (watermarks_of, FINANCIAL_WATERMARK, {WATERMARK_KEY: MARK}, ("financial", 1, MARK)),
        (watermarks_of, FINANCIAL_WATERMARK, {WATERMARK_KEY: MARK, PRACTICE_KEY: PRACTICE}, ("financial", 1, BOTH)),
    ],
    ids=["audits", "watermarks", "watermarks-of-two-modes"],
)
async def test_rows_for_metrics_are_read_from_the_store_of_their_domain(
    tmp_path: Path, read: Callable[..., Any], spec: TableSpec[Any], rows: dict[str, Row], found: tuple[object, ...]
) -> None:
    apps = [
        faust.App(f"demo-{domain}", store="faust-redis-rocksdb://", datadir=tmp_path / domain, topic_partitions=2)
        for domain in ("social", "financial")
    ]
    for app in apps:
        table = app.Table(spec.short_name, key_type=bytes, value_type=bytes)
        app.finalize()
        store: Any = table.data
        place = TP(f"{app.conf.id}-{spec.short_name}-changelog", 1)
        await store.on_rebalance({place}, set(), {place})
        store.database.write(spec.short_name, 1, [(key.encode(), row.dump()) for key, row in rows.items()])
    assert read(apps) == [found]
    assert read(apps[:1]) == []
    for app in apps:
        opened: Any = app.tables[spec.short_name]
        await opened.data.on_stop()
