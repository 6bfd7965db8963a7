"""A file of fills becomes the bodies that the ingress takes; a bad row is named by its line."""

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.replay.fills import FillsFile, FillsFileError, closes, parse, plain, read_fills

HEADER = (
    "executed_at,trader,order_id,market,side,direction,price,size,notional_usd,"
    "closed_pnl_usd,fee_usd,taker,start_position,tx_hash"
)
ROW = "2025-04-07T21:53:00Z,trader-3,84807474806,BTC,sell,Close Long,79439,1e-05,0.79,0.003361,0.000075,false,0.1,0xab"


def test_a_row_becomes_the_body_of_a_fill() -> None:
    assert list(parse(f"{HEADER}\n{ROW}\n", "d1")) == [
        {
            "fill_id": "d1-2",
            "user_id": "trader-3",
            "trade_id": "84807474806",
            "market": "BTC",
            "side": "sell",
            "price": "79439",
            "size": "0.00001",
            "notional_usd": "0.79",
            "fee_usd": "0.000075",
            "closed_pnl_usd": "0.003361",
            "closes": True,
            "taker": False,
            "executed_at": "2025-04-07T21:53:00Z",
        }
    ]


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        ("Open Long", False),
        ("Close Long", True),
        ("Close Short", True),
        ("Long > Short", True),
        ("Short > Long", True),
        ("Buy", False),
        ("Sell", False),
    ],
)
def test_what_closes_a_position(direction: str, expected: bool) -> None:
    assert closes(direction) is expected


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8))
def test_numbers_keep_their_value_and_lose_their_exponent(number: Decimal) -> None:
    text = plain("price", f"{number:e}")
    assert Decimal(text) == number
    assert "e" not in text.lower()


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (ROW.replace("79439", "cheap"), "line 3: price is 'cheap', expected a decimal number"),
        (ROW.replace("79439", "NaN"), "line 3: price is 'NaN'"),
        (ROW.replace("sell", "short"), "line 3: side is 'short', expected buy or sell"),
        (ROW.replace("false", "no"), "line 3: taker is 'no', expected true or false"),
        (ROW.replace("trader-3", ""), "line 3: trader is empty"),
        ("2025-04-07T21:53:00Z,trader-3", "line 3: it has another number of columns"),
        (f"{ROW},more", "line 3: it has another number of columns"),
    ],
)
def test_a_bad_row_is_named_by_its_line(row: str, says: str) -> None:
    with pytest.raises(FillsFileError, match=says):
        list(parse(f"{HEADER}\n{ROW}\n{row}\n", "d"))


def test_a_file_of_other_columns_says_what_is_missing() -> None:
    with pytest.raises(FillsFileError, match="lacks the columns executed_at, trader"):
        list(parse("a,b\n1,2\n", "d"))


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(FillsFileError, match=r"cannot read .*none\.csv: No such file"):
        read_fills(tmp_path / "none.csv")


def test_batches_cover_every_fill_once_under_stable_keys() -> None:
    sample = read_fills("sample")
    batches = list(sample.batches(300))
    assert [fill for _, batch in batches for fill in batch] == list(sample.fills)
    assert [key for key, _ in batches] == [
        f"{sample.digest}-{lines}" for lines in ("2-301", "302-601", "602-901", "902-1001")
    ]
    assert [key for key, _ in sample.batches(300, skip=600)] == [key for key, _ in batches[2:]]


def test_the_mark_of_a_market_is_the_price_of_its_last_fill_by_time() -> None:
    rows = [
        ("BTC", "2", "2025-01-06T12:00:00Z"),
        ("ETH", "9", "2025-01-01T00:00:00Z"),
        ("BTC", "1", "2025-01-06T11:00:00Z"),
    ]
    fills = tuple({"market": market, "price": price, "executed_at": at} for market, price, at in rows)
    assert FillsFile(Path("f"), "d", fills).last_marks() == [
        {"market": "ETH", "price": "9", "time": "2025-01-01T00:00:00Z"},
        {"market": "BTC", "price": "2", "time": "2025-01-06T12:00:00Z"},
    ]


def test_the_sample_shows_all_traders_opens_closes_and_many_days() -> None:
    fills = read_fills("sample").fills
    assert len(fills) == 1000
    assert {fill["user_id"] for fill in fills} == {"trader-1", "trader-2", "trader-3"}
    assert {fill["closes"] for fill in fills} == {True, False}
    assert len({fill["executed_at"][:10] for fill in fills}) > 20
    assert [fill["executed_at"] for fill in fills] == sorted(fill["executed_at"] for fill in fills)
