"""The fills of a race: made from a seed, as bodies for the contestants and in exact numbers for the oracle."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import Literal, get_args

import orjson
from faust_redis.log import Record
from faust_redis.log.partitioner import partition_for

from deploy.replay.fills import Fill
from tests.bench.fill_load import in_one_hour, made_fills
from tests.oracle import fills as oracle

USERS = 300
Span = Literal["weeks", "hour"]
SPANS: tuple[Span, ...] = get_args(Span)


def made(span: Span, count: int, seed: int) -> list[Fill]:
    """Return seeded fills of 300 users: over weeks, as when history is replayed, or in one hour."""
    fills = made_fills(count, users=USERS, seed=seed)
    return fills if span == "weeks" else in_one_hour(fills)


def records(topic: str, partitions: int, fills: Iterable[Fill]) -> list[Record]:
    """Return the fills as records of a topic, partitioned by user."""
    keys = ((fill["user_id"].encode(), fill) for fill in fills)
    return [
        Record(topic, partition_for(key, partitions), key, orjson.dumps(fill), number)
        for number, (key, fill) in enumerate(keys)
    ]


def for_the_oracle(fill: Fill) -> oracle.Fill:
    """Return a fill as the oracle takes it."""
    return oracle.Fill(
        at=datetime.fromisoformat(fill["executed_at"]),
        user=fill["user_id"],
        trade=fill["trade_id"],
        market=fill["market"],
        side=fill["side"],
        direction="Close" if fill["closes"] else "Open",
        size=Decimal(fill["size"]),
        price=Decimal(fill["price"]),
        notional=oracle.usd(fill["notional_usd"]),
        pnl=oracle.usd(fill["closed_pnl_usd"]),
        fee=oracle.usd(fill["fee_usd"]),
    )
