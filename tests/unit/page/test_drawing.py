"""What charts draw, and what their tables and summaries say, are the same values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Called = Callable[[str, list[list[Any]]], list[Any]]
MODULE = "data/drawing.ts"


def test_numbers_are_drawn_in_the_order_of_the_columns(called: Called) -> None:
    candles = {"kind": "candles", "name": "BTC", "open": ["1.5"], "high": ["3"], "low": ["1"], "close": ["2.25"]}
    volume = {"kind": "bars", "name": "Volume", "values": [None]}
    arrays, columns = called(MODULE, [["drawn", [candles, volume]], ["columnsOf", candles]])
    assert arrays == [[1.5], [3], [1], [2.25], [None]]
    assert [column["name"] for column in columns] == ["BTC, open", "BTC, high", "BTC, low", "BTC, close"]
    assert [column["values"] for column in columns] == [["1.5"], ["3"], ["1"], ["2.25"]]


def test_stacked_values_stand_on_those_before(called: Called) -> None:
    series = [{"kind": "bars", "name": "a", "values": [1, "2.5"]}, {"kind": "bars", "name": "b", "values": [None, 3]}]
    assert called(MODULE, [["drawn", series, True]]) == [[[1, 2.5], [1, 5.5]]]


def test_the_extremes_of_amounts_are_those_of_their_values_and_not_of_their_texts(called: Called) -> None:
    calls = [["extremesOf", values] for values in (["9", "10", "-2", None], ["9", "10"], [None], ["5", "5"])]
    assert called(MODULE, calls) == [
        {"lowest": 2, "highest": 1, "last": 2},
        {"lowest": 0, "highest": 1, "last": 1},
        None,
        {"lowest": 0, "highest": 0, "last": 1},
    ]
