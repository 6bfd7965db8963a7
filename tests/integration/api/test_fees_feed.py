"""The feed of fee totals: sums over partitions, read and computed once for all subscribers."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.financial import totals
from streams.times import Instant
from streams.units import USD_UNIT
from tables.financial import FINANCIAL_FEES, FeeTotal, fee_key
from tests.integration.api.sse import Reader
from tests.integration.api.support import PARTITIONS, Worker

TABLE = FINANCIAL_FEES.name


async def test_fees_are_sent_as_sums_over_partitions(server: httpx.AsyncClient, worker: Worker) -> None:
    key = fee_key("trading", "USD", None, "total")
    await worker.put(TABLE, key, FeeTotal(amount=USD_UNIT, count=1), partition=0)
    await worker.put(TABLE, key, FeeTotal(amount=USD_UNIT, count=1), partition=1)
    reader = Reader(server, "/v1/feed/fees", key="beneficiary")
    await reader.read(lambda r: r.last_id is not None)
    assert reader.table["total"]["amount"] == "2.00"
    await worker.put(TABLE, key, FeeTotal(amount=5 * USD_UNIT, count=2), partition=1)
    await reader.read(lambda r: r.table["total"]["amount"] == "6.00", at_most=1)
    assert reader.names[-1] == "delta"
    other = fee_key("trading", "USD", Instant(0).day(), "total")
    reading = asyncio.create_task(reader.read(lambda r: r.table["total"]["amount"] == "7.00"))
    await worker.put(TABLE, other, FeeTotal(amount=9, count=2), partition=1)
    await worker.put(TABLE, key, FeeTotal(amount=2 * USD_UNIT, count=2), partition=0)
    await reading


async def test_however_many_watch_fees_they_are_read_once_and_a_change_is_summed_once(
    server: httpx.AsyncClient, served_app: FastAPI, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables, reads, made = served_app.state.api.hub.tables, 0, list[str]()
    read = tables.rows

    async def counted(*args: Any) -> Any:
        nonlocal reads
        reads += 1
        return await read(*args)

    def noted(key: str, parts: Iterable[FeeTotal]) -> dict[str, Any]:
        made.append(key)
        return totals.fee_summed(key, parts)

    monkeypatch.setattr(tables, "rows", counted)
    monkeypatch.setattr(totals.FEES, "summed", noted)
    key, other = (fee_key("trading", "USD", None, beneficiary) for beneficiary in ("total", "treasury"))
    for one in (key, other):
        await worker.put(TABLE, one, FeeTotal(amount=USD_UNIT, count=1), partition=0)
    filters = [{}, {"beneficiary": "total"}] * 4
    readers = [Reader(server, "/v1/feed/fees", parameters, key="beneficiary") for parameters in filters]

    def total(reader: Reader) -> bool:
        return "total" in reader.table and reader.table["total"]["amount"] == "3.00"

    reading = [asyncio.create_task(reader.read(total)) for reader in readers]
    await asyncio.gather(*[reader.current.wait() for reader in readers])
    await worker.put(TABLE, key, FeeTotal(amount=2 * USD_UNIT, count=2), partition=1)
    await asyncio.gather(*reading)
    assert reads == 1
    assert sorted(made) == [key, key, other]


async def test_fees_kept_across_disconnects_equal_the_table_whatever_the_filter(
    server: httpx.AsyncClient, served_app: FastAPI, worker: Worker
) -> None:
    # The feed sends many small deltas, so that the disconnects fall between them.
    served_app.state.api.hub.followers["fees"].round_s = 0
    chance = random.Random(13)
    names = ("total", "treasury", "paymaster")
    plan = [(chance.choice(names), chance.randrange(PARTITIONS), n) for n in range(1, 300)]
    parts = {(name, partition): n for name, partition, n in plan}

    async def follow(beneficiary: str | None, seed: int) -> Reader:
        pause = random.Random(seed)
        parameters = {} if beneficiary is None else {"beneficiary": beneficiary}
        reader = Reader(server, "/v1/feed/fees", parameters, key="beneficiary")
        expected = {
            name: sum(n for (one, _), n in parts.items() if one == name)
            for name in names
            if beneficiary in {None, name}
        }

        def done(reader: Reader) -> bool:
            return {name: row["count"] for name, row in reader.table.items()} == expected

        while not done(reader):
            await reader.read(done, at_most=pause.randrange(1, 8))
        return reader

    following = [asyncio.create_task(follow(one, seed)) for seed, one in enumerate((None, None, *names))]
    for name, partition, n in plan:
        row = FeeTotal(amount=n * USD_UNIT, count=n)
        await worker.put(TABLE, fee_key("trading", "USD", None, name), row, partition=partition)
    async with asyncio.timeout(30):
        readers = await asyncio.gather(*following)
    assert all("resync" not in reader.names for reader in readers)
