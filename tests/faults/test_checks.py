"""The checks find each planted error, and accept correct content."""

from collections.abc import Sequence
from typing import Any

import msgpack
import orjson
import pytest
from faust_redis.log import Log, Record, StoredRecord, TopicSpec

from streams import topics
from streams.topology import changelog_topic
from tables.domains import TOPOLOGY
from tables.gamification import GAMIFICATION_BOARDS
from tables.trading import TRADING_PROCESSED
from tests.bench.group_progress import APP_ID
from tests.faults import conservation
from tests.faults.events import records_differ
from tests.faults.model import Entry, Model, model_of
from tests.faults.tables import fold_differs, rows_differ, table_differs

ANN_1, ANN_2 = (Entry(f"a{n}", "ann", orjson.dumps({"id": f"a{n}"}), n) for n in (1, 2))
BOB_1 = Entry("b1", "bob", orjson.dumps({"id": "b1"}), 1)
RIGHT = (ANN_1, BOB_1, ANN_2)


def stored(*entries: Entry, first: int = 0) -> list[StoredRecord]:
    return [
        StoredRecord(offset, entry.timestamp_ms, entry.key.encode(), entry.value)
        for offset, entry in enumerate(entries, first)
    ]


def findings(records: Sequence[StoredRecord]) -> str:
    return "\n".join(records_differ("t:0", RIGHT, records))


def test_correct_records_pass_in_any_order_of_different_keys() -> None:
    assert findings(stored(*RIGHT)) == ""
    assert findings(stored(BOB_1, ANN_1, ANN_2)) == ""


@pytest.mark.parametrize(
    ("entries", "finding"),
    [
        ((ANN_1, BOB_1, ANN_2, BOB_1), "1 more than once: b1 (2 times)"),
        ((ANN_1, ANN_2), "1 missing"),
        ((*RIGHT, Entry("x", "ann", b'{"id":"x"}', 3)), "1 unexpected"),
        ((ANN_1, BOB_1._replace(value=b'{"id":"b1","more":1}'), ANN_2), "1 with another content"),
        ((ANN_1, BOB_1._replace(timestamp_ms=9), ANN_2), "1 with another content"),
        ((ANN_2, BOB_1, ANN_1), "1 out of order: a1 of ann comes after a2"),
    ],
    ids=["doubled", "lost", "made up", "other content", "other time", "other order"],
)
def test_each_planted_error_is_found(entries: tuple[Entry, ...], finding: str) -> None:
    assert finding in findings(stored(*entries))


def test_the_kept_part_of_a_trimmed_topic_is_compared() -> None:
    assert findings(stored(ANN_2, first=2)) == ""
    assert "more than once" in findings(stored(ANN_2, ANN_2, first=2))


def event(kind: str, user: str, **data: Any) -> conservation.Event:
    return {"id": "1", "type": f"astra.x.{kind}.v1", "partitionkey": user, "data": data}


def test_a_missing_execution_is_found() -> None:
    executed = [event("TradeExecuted", "ann"), event("RiskAlert", "ann")]
    assert list(conservation.executions(executed, 1)) == []
    assert list(conservation.executions(executed, 2)) == ["1 executions of 2 fills"]


def fee(amount: str, **shares: str) -> conservation.Event:
    return event("FeeAccrued", "ann", amount=amount, beneficiaries=shares)


def test_fees_that_do_not_sum_are_found() -> None:
    totals = [("trading|USD|all|total", {"amount": 300}), ("trading|USD|all|treasury", {"amount": 300})]
    events = [fee("0.00000003", treasury="0.00000003")] * 100
    assert list(conservation.fees(events, {"financial-fees": totals})) == []
    assert list(conservation.fees(events[1:], {"financial-fees": totals})) != []
    assert list(conservation.fees(events, {"financial-fees": totals[:1]})) != []
    unequal = [*events[1:], fee("0.00000003", treasury="0.00000002")]
    assert list(conservation.fees(unequal, {"financial-fees": totals})) != []


def test_xp_without_a_gain_is_found() -> None:
    gained = [event("XPGained", "ann", amount=10), event("XPGained", "ann", amount=5), event("LevelUp", "ann", new=2)]
    assert list(conservation.experience(gained, {"gamification-progress": [("ann", {"xp": 15})]})) == []
    assert list(conservation.experience(gained, {"gamification-progress": [("ann", {"xp": 10})]})) != []
    assert list(conservation.experience(gained, {"gamification-progress": []})) != []


def test_rows_are_compared_with_the_model() -> None:
    right = {b"a": b"1", b"b": b"2"}
    assert list(rows_differ("t", right, right)) == []
    for wrong in ({b"a": b"1"}, {**right, b"c": b"3"}, {**right, b"b": b"3"}):
        assert len(list(rows_differ("t", right, wrong))) == 1


def change(offset: int, key: bytes, value: bytes | None) -> StoredRecord:
    return StoredRecord(offset, 0, key, value)


def test_a_snapshot_is_the_fold_of_its_changelog() -> None:
    changes = [change(0, b"a", b"1"), change(1, b"b", b"1"), change(2, b"a", b"2"), change(3, b"b", None)]
    assert list(fold_differs("t", changes, {b"a": b"2"})) == []
    for wrong in ({b"a": b"1"}, {}, {b"a": b"2", b"b": b"1"}, {b"a": b"2", b"c": b"1"}):
        assert len(list(fold_differs("t", changes, wrong))) == 1


def test_rows_that_the_kept_part_of_a_trimmed_changelog_changes_are_compared() -> None:
    tail = [change(7, b"a", b"2")]
    assert list(fold_differs("t", tail, {b"a": b"2", b"old": b"1"})) == []
    assert list(fold_differs("t", tail, {b"a": b"1", b"old": b"1"})) != []


async def test_a_ranking_is_its_rows(log: Log) -> None:
    topic = changelog_topic(APP_ID, GAMIFICATION_BOARDS.name)
    await log.create_topic(TopicSpec(topic, 1, "compact", "rank"))
    right = {0: {b"xp|ann": msgpack.packb({"all": [7.5], "day": [3]}), b"xp|bob": msgpack.packb({"all": [8]})}}
    await log.append([Record(topic, 0, key, value, 0) for key, value in right[0].items()])
    assert await table_differs(log, GAMIFICATION_BOARDS, right) == []
    await log.redis.zadd(log.keys.ranking(topic, "xp/all"), {b"0|cy": 9})
    [finding] = await table_differs(log, GAMIFICATION_BOARDS, right)
    assert "xp/all" in finding


def test_a_model_has_every_table_and_every_topic_that_the_fills_lead_to() -> None:
    row = {
        "fill_id": "f-1", "user_id": "ann", "trade_id": "t-1", "market": "BTC", "side": "buy", "price": "1",
        "size": "1", "notional_usd": "1", "fee_usd": "0.01", "closed_pnl_usd": "0", "closes": False, "taker": True,
        "executed_at": "2025-01-06T12:00:00Z",
    }  # fmt: skip
    model: Model = model_of([row, row], partitions=4)
    assert len(model.all(topics.TRADING_COMMANDS)) == 2
    assert len(model.all(topics.TRADING_EVENTS)) == 1, "the second time it is known"
    assert len(model.all(topics.FINANCIAL_FEES)) == 1
    assert model.rows.keys() <= {table.name for table in TOPOLOGY.tables}
    assert sum(map(len, model.rows[TRADING_PROCESSED.name].values())) == 1
