"""The dashboard adds, multiplies and divides decimal text exactly, as Python does."""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

Called = Callable[[str, list[list[Any]]], list[Any]]
EXACT = Context(prec=200)
PAIRS = 200


def text_of(value: Decimal) -> str:
    """Return decimal text without zeros at its end."""
    shown = f"{value:f}"
    shown = shown.rstrip("0").rstrip(".") if "." in shown else shown
    return "0" if shown in {"-0", ""} else shown


def pairs() -> list[tuple[str, str]]:
    chosen = random.Random(17)
    made = [("0", "0.00"), ("-0.5", "0.5"), ("1", "-3"), ("0.000000000000000001", "999999999999999999")]
    for _ in range(PAIRS):
        one, other = (Decimal(chosen.randint(-(10**20), 10**20)).scaleb(-chosen.randint(0, 18)) for _ in range(2))
        made.append((f"{one:f}", f"{other:f}"))
    return made


def test_sums_products_and_quotients_are_exact(called: Called) -> None:
    calls: list[list[Any]] = []
    expected: list[str | int] = []
    for one, other in pairs():
        a, b = Decimal(one), Decimal(other)
        calls += [["plus", one, other], ["minus", one, other], ["times", one, other], ["compare", one, other]]
        expected += [text_of(EXACT.add(a, b)), text_of(EXACT.subtract(a, b)), text_of(EXACT.multiply(a, b))]
        expected.append((a > b) - (a < b))
        if b > 0:
            calls.append(["over", one, other, 8])
            quotient = EXACT.divide(a, b).quantize(Decimal("1e-8"), ROUND_HALF_UP, EXACT)
            expected.append(text_of(quotient))
    assert called("data/decimals.ts", calls) == expected


def test_half_of_the_last_decimal_is_rounded_away_from_zero(called: Called) -> None:
    calls = [["rounded", text, 2] for text in ("0.005", "-0.005", "0.0049", "1.995", "-12.3")]
    assert called("data/decimals.ts", calls) == ["0.01", "-0.01", "0", "2", "-12.3"]


def test_amounts_are_shown_rounded(called: Called) -> None:
    texts = ("0.005", "-0.005", "0.0049", "-0.001", "1234.995", "7")
    shown = called("data/format.ts", [["usd", text] for text in texts])
    assert shown == ["0.01", "−0.01", "0.00", "0.00", "1,235.00", "7.00"]


def test_rounded_parts_add_up_to_the_rounded_sum(called: Called) -> None:
    chosen = random.Random(17)
    lists = [["0.333", "0.333", "0.334"], ["0.005", "0.005"], ["-0.005", "0.015"], ["0"], []]
    lists += [[f"{chosen.randint(-(10**6), 10**9)}e-6" for _ in range(chosen.randint(1, 5))] for _ in range(50)]
    lists = [[f"{Decimal(part):f}" for part in parts] for parts in lists]
    for parts, found in zip(
        lists, called("data/decimals.ts", [["roundedParts", parts, 2] for parts in lists]), strict=True
    ):
        total = sum(map(Decimal, parts), Decimal(0)).quantize(Decimal("0.01"), ROUND_HALF_UP)
        assert sum(map(Decimal, found)) == total
        assert all(abs(Decimal(one) - Decimal(part)) < Decimal("0.01") for one, part in zip(found, parts, strict=True))
