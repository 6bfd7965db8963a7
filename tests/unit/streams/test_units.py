"""Money and quantities are exact, and only text is accepted for them."""

from __future__ import annotations

import re
from decimal import Context, Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from streams.units import TEXTS_MAX, Price, Quantity, Size, Usd, divide_half_up

USD_LIMIT = 10**20
EXACT = Context(prec=120)
USD = re.compile(r"-?(0|[1-9][0-9]{0,11})(\.[0-9]{1,8})?", re.ASCII)
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?", re.ASCII)
TEXTS = st.from_regex(r"[+-]{0,2}[0-9]{0,20}\.{0,2}[0-9]{0,20}([eE][+-]?[0-9]{0,3})?\n?") | st.text(
    "-.0\u0661\u00b29 _", max_size=6
)
"""Decimals, and what is almost one."""


@pytest.mark.parametrize(
    ("text", "units", "back"),
    [
        ("1500.00", 150_000_000_000, "1500.00"),
        ("1500", 150_000_000_000, "1500.00"),
        ("0.12345678", 12_345_678, "0.12345678"),
        ("-0.5", -50_000_000, "-0.50"),
        ("-0", 0, "0.00"),
        ("0.223926", 22_392_600, "0.223926"),
        ("-29370.1198", -2_937_011_980_000, "-29370.1198"),
    ],
)
def test_usd_text_is_an_exact_integer_of_1e_8(text: Any, units: Any, back: Any) -> None:
    assert Usd.parse(text) == units
    assert Usd.parse(text).text() == back


@pytest.mark.parametrize(
    "text",
    [
        "0.123456789",
        "1e3",
        "1.00E-05",
        "",
        " 1",
        "1 ",
        "01",
        ".5",
        "5.",
        "+1",
        "NaN",
        "1,000",
        "1_000",
        "\u0661",
        "1" * 13,
        "\n1",
    ],
)
def test_usd_refuses_what_is_not_plain_decimal_of_at_most_8_decimals(text: Any) -> None:
    with pytest.raises(ValueError, match="USD amount"):
        Usd.parse(text)


@given(TEXTS | st.from_regex(USD, fullmatch=True))
def test_usd_is_read_by_its_grammar_and_nothing_else_is(text: Any) -> None:
    if USD.fullmatch(text):
        assert Usd.parse(text) == Decimal(text).scaleb(8)
    else:
        with pytest.raises(ValueError, match="USD amount"):
            Usd.parse(text)


@given(TEXTS | st.from_regex(NUMBER, fullmatch=True))
def test_quantities_are_read_by_their_grammar_and_nothing_else_is(text: Any) -> None:
    units = Decimal(text).scaleb(18, EXACT) if NUMBER.fullmatch(text) and len(text) <= 64 else None
    if units is not None and abs(units) < 10**48 and units == int(units):
        assert Quantity.parse(text) == units
    else:
        with pytest.raises(ValueError, match="expected"):
            Quantity.parse(text)


@given(st.integers(-(10**48), 10**48), st.integers(0, 48))
def test_every_number_has_one_text(units: Any, zeros: Any) -> None:
    units -= units % 10**zeros
    usd, quantity = Usd(units).text(), Quantity(units).text()
    assert re.fullmatch(r"-?(0|[1-9]\d*)\.\d\d(\d*[1-9])?", usd)
    assert re.fullmatch(r"-?(0|[1-9]\d*)(\.\d*[1-9])?", quantity)
    assert (Decimal(usd).scaleb(8, EXACT), Decimal(quantity).scaleb(18, EXACT)) == (units, units)
    assert "-" not in usd + quantity or units < 0


@given(st.integers(-USD_LIMIT + 1, USD_LIMIT - 1))
def test_usd_format_and_parse_round_trip(units: Any) -> None:
    assert Usd.parse(Usd(units).text()) == units


@given(st.integers(0, 10**20 - 1), st.integers(0, 20), st.integers(1, 8), st.sampled_from([Usd, Quantity]))
def test_a_value_has_the_same_text_whatever_text_it_was_parsed_from(
    units: int, zeros: int, more: int, kind: Any
) -> None:
    units -= units % 10**zeros
    kind._texts.clear()
    plain = kind(units).text()
    whole, _, part = plain.partition(".")
    decimals = 8 if kind is Usd else 18
    longer, shorter = f"{whole}.{part}{'0' * more}"[: len(whole) + 1 + decimals], f"{whole}.{part.rstrip('0') or '0'}"
    for text in (longer, shorter, f"-{plain}", plain):
        assert kind.parse(text).text().removeprefix("-") == plain
    if kind is Quantity:
        assert kind.parse(f"0{longer}").text() == plain


def test_the_cache_of_texts_is_bounded() -> None:
    for number in range(2 * TEXTS_MAX + 10):
        assert Usd.parse(f"{number}.25").text() == f"{number}.25"
        assert len(Usd._texts) <= TEXTS_MAX


@pytest.mark.parametrize("number", ["1500.0", "1500", "1e3", "true", "null", '["1"]'])
@pytest.mark.parametrize("kind", [Usd, Quantity, Price])
def test_a_json_number_is_refused_for_money_and_quantities(kind: Any, number: Any) -> None:
    adapter = TypeAdapter(kind)
    with pytest.raises(ValidationError):
        adapter.validate_json(number)


@pytest.mark.parametrize("number", [1500.0, 1500])
def test_a_python_number_is_refused_too_so_that_parsed_bodies_cannot_slip_through(number: Any) -> None:
    with pytest.raises(ValidationError, match="decimal string"):
        TypeAdapter(Usd).validate_python(number)


def test_money_and_quantities_are_text_in_json() -> None:
    assert TypeAdapter(Usd).dump_json(Usd.of(1500)) == b'"1500.00"'
    assert TypeAdapter(Quantity).dump_json(Quantity.parse("1.00E-05")) == b'"0.00001"'


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("1.00E-05", "0.00001"),
        ("0.0000100", "0.00001"),
        ("3871.46", "3871.46"),
        ("682429", "682429"),
        ("1E2", "100"),
        ("-0", "0"),
    ],
)
def test_quantities_take_scientific_notation_and_give_plain_text(text: Any, plain: Any) -> None:
    assert Quantity.parse(text).text() == plain


@pytest.mark.parametrize(
    "text", ["1E-19", "0." + "0" * 18 + "1", "1" + "0" * 18, "1E18", "Infinity", "nan", "", "0x1", "1e999"]
)
def test_quantities_refuse_more_than_18_decimals_or_digits(text: Any) -> None:
    for kind in (Price, Size):
        with pytest.raises(ValidationError, match=r"expected|above"):
            TypeAdapter(kind).validate_python(text)


@pytest.mark.parametrize("text", ["0", "-1", "0.0"])
def test_prices_and_sizes_are_above_0(text: Any) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Price).validate_python(text)
    with pytest.raises(ValidationError):
        TypeAdapter(Size).validate_python(text)


@given(st.integers(-(10**48) + 1, 10**48 - 1))
def test_quantities_round_trip_at_any_size(units: Any) -> None:
    assert Quantity.parse(Quantity(units).text()) == units


@pytest.mark.parametrize("text", ["1" + "0" * 30, "1E30", "0." + "0" * 18 + "1"])
def test_a_sum_has_at_most_30_digits_before_the_point(text: Any) -> None:
    with pytest.raises(ValueError, match="expected"):
        Quantity.parse(text)


@given(st.integers(-(10**22), 10**22), st.integers(0, 18))
def test_quantities_are_what_decimals_are(units: Any, decimals: Any) -> None:
    value = Decimal(units).scaleb(-decimals)
    for text in (f"{value:f}", str(value)):
        assert Quantity.parse(text) == value.scaleb(18)
        assert Decimal(Quantity.parse(text).text()) == value


@given(st.integers(-(10**30), 10**30), st.integers(1, 10**20))
def test_half_up_division_is_the_nearest_and_symmetric(numerator: Any, denominator: Any) -> None:
    quotient = divide_half_up(numerator, denominator)
    assert 2 * abs(numerator - quotient * denominator) <= denominator
    assert divide_half_up(-numerator, denominator) == -quotient


def test_half_up_takes_a_half_away_from_zero() -> None:
    assert [divide_half_up(n, 2) for n in (1, 3, -1, -3)] == [1, 2, -1, -2]
