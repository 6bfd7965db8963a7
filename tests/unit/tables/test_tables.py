"""The catalogue names each table once; typed tables keep frozen rows."""

from __future__ import annotations

from typing import Any, get_args

import faust
import pytest

from streams.events.trading import Mode
from streams.topology import changelog_topic
from streams.units import Quantity
from tables.domains import TOPOLOGY
from tables.financial import fee_key
from tables.keys import trade_key
from tables.trading import TRADING_PROCESSED, Account, Position, open_key, position_key, position_of
from tables.typed import RawTable, TypedTable, declare
from tables.unit_of_work import UnitOfWork


def test_tables_are_named_once_and_only_open_trades_boards_ratings_and_the_market_are_ranked() -> None:
    names = [spec.name for spec in TOPOLOGY.tables]
    assert len(set(names)) == len(names)
    ranked = [spec.name for spec in TOPOLOGY.tables if spec.ranked]
    assert ranked == ["trading-owned", "gamification-boards", "social-ratings", "nft-market"]


def test_changelogs_are_compacted_and_boards_have_sorted_sets() -> None:
    specs = {spec.name: spec for spec in TOPOLOGY.changelog_specs("astratrade", 4)}
    assert {spec.cleanup for spec in specs.values()} == {"compact"}
    assert specs["astratrade-gamification-boards-changelog"].view == "rank"
    assert specs["astratrade-trading-trades-changelog"].view == ""


def test_declared_tables_are_raw_bytes_and_have_the_changelog_of_the_catalogue() -> None:
    for spec in TOPOLOGY.tables:
        app = faust.App(TOPOLOGY.group("astratrade", spec.domain), broker="memory://", store="memory://")
        table: Any = declare(app, spec, 4)
        assert (table.key_serializer, table.value_serializer, table.partitions) == ("raw", "raw", 4)
        assert table.changelog_topic_name == changelog_topic("astratrade", spec.name)


def test_rows_come_back_equal() -> None:
    table = TypedTable({}, Position)
    row = Position(
        quantity=Quantity.parse("-0.025"),
        cost=150_000_000_000,
        average_entry=Quantity.of(60_000),
        realised_pnl=-5,
        unrealised_pnl=10**30,
        last_price=Quantity.parse("0.007412"),
        updated_at=1,
    )
    table.put("ada|BTC", row)
    assert table.get("ada|BTC") == row
    assert table.get("bob|BTC") is None


def test_rows_cannot_be_changed_in_place() -> None:
    with pytest.raises(AttributeError, match="immutable"):
        setattr(Account(balance=1, max_leverage=10), "balance", 2)  # noqa: B010 - mypy refuses the plain way


def test_deleting_what_is_not_there_is_harmless() -> None:
    table = RawTable({b"a": b"1"})
    table.delete("b")
    table.delete("a")
    assert table.get("a") is None


def test_a_prefix_scan_is_a_copy_in_key_order() -> None:
    raw = {b"BTC|2": b"b", b"BTC|1": b"a", b"BTCX|1": b"x", b"ETH|1": b"y"}
    table = RawTable(raw)
    for key, _ in table.prefix("BTC|"):
        table.delete(key)
    assert sorted(raw) == [b"BTCX|1", b"ETH|1"]


def test_a_store_that_can_scan_by_prefix_is_asked_to() -> None:
    class Store:
        def prefix(self, start: Any) -> Any:
            assert start == b"BTC|"
            yield b"BTC|1", b"a"

    class Table(dict[bytes, bytes]):
        data = Store()

    assert RawTable(Table()).prefix("BTC|") == [("BTC|1", b"a")]


def test_a_table_without_rows_is_not_opened_as_typed() -> None:
    with pytest.raises(TypeError, match="holds no rows"):
        UnitOfWork(lambda _: {}).rows(TRADING_PROCESSED)


def test_keys() -> None:
    assert position_key("ada", "BTC", "live") == "ada|BTC"
    assert position_key("ada", "BTC", "practice") == "ada|BTC|practice"
    assert [position_of(position_key("ada", "BTC", mode)) for mode in get_args(Mode)] == [
        ("BTC", mode) for mode in get_args(Mode)
    ]
    assert trade_key("ada", "1") == "ada|1"
    assert open_key("BTC", "1") == "BTC|1"
    assert fee_key("trading", "USD", None, "treasury") == "trading|USD|all|treasury"
