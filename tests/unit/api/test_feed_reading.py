"""How feeds read records: the projection, its channels, and the records that are skipped."""

from __future__ import annotations

from typing import Any

import msgspec
import orjson
import pytest
from faust_redis.log import StoredRecord

from api.gamification.tops import read_standings
from api.kit.sealing import Sealer
from api.trading.history import MY_TRADES
from api.trading.tape import TRADES_FEED
from tables.boards import Standing

SEALER = Sealer("s" * 32)
TAPE, OWN = (feed.read(SEALER) for feed in (TRADES_FEED, MY_TRADES.feed))
EVENT = {
    "id": "e-1",
    "type": "astra.trading.TradeExecuted.v1",
    "time": "2024-09-20T08:36:00Z",
    "partitionkey": "ada",
    "data": {"market": "BTC", "side": "buy", "price": "2", "size": "1", "fee_usd": "0.1", "trade_id": "t-1"},
}


def record(value: Any, key: bytes | None = b"k") -> StoredRecord:
    return StoredRecord(7, 0, key, value if value is None or isinstance(value, bytes) else orjson.dumps(value))


def test_a_fill_is_sent_on_the_channel_of_its_market() -> None:
    reading = TAPE(0, record(EVENT))
    assert reading is not None
    assert (reading.name, reading.channels) == (7, ("BTC",))
    row_data: Any = reading.row()
    assert row_data == {
        "id": SEALER.alias("tape", "e-1"), "time": EVENT["time"],
        "market": "BTC", "side": "buy", "price": "2", "size": "1",
    }  # fmt: skip


def test_the_owner_sees_all_of_a_fill() -> None:
    reading = OWN(0, record(EVENT))
    assert reading is not None
    assert reading.channels == ("ada",)
    assert reading.row() == {
        "event_id": "e-1", "type": "TradeExecuted", "time": EVENT["time"], "user_id": "ada", "market": "BTC",
        "side": "buy", "price": "2", "size": "1", "fee_usd": "0.1", "trade_id": "t-1",
    }  # fmt: skip


@pytest.mark.parametrize(
    "value",
    [None, b"{", b"7", b"[]", *({name: part for name, part in EVENT.items() if name != gone} for gone in EVENT)],
)
def test_an_incomplete_event_is_skipped(value: Any) -> None:
    assert OWN(0, record(value)) is None


def test_a_fill_without_a_market_is_skipped() -> None:
    assert TAPE(0, record({**EVENT, "data": {"side": "buy", "price": "2", "size": "1"}})) is None


def test_standings_are_sent_to_all_their_boards() -> None:
    standing = Standing(1, 2).ranked
    row = msgspec.msgpack.encode({"all/xp": standing, "day:2024-09-21/pnl": standing})
    reading = read_standings(0, record(row, b"global|ada"))
    assert reading is not None
    assert (reading.name, reading.channels) == ("global|ada", ("global/all/xp", "global/day:2024-09-21/pnl"))
    older = read_standings(0, record(msgspec.msgpack.encode({"xp": standing}), b"global/day:2024-09-20|ada"))
    assert older is not None
    assert older.channels == ("global/day:2024-09-20/xp",)


@pytest.mark.parametrize("value", [None, b"{", b"7"])
def test_a_row_without_standings_is_skipped(value: bytes | None) -> None:
    assert read_standings(0, record(value)) is None
