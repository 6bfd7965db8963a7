"""The dashboard follows fees from the ledger to the beneficiaries, and sees where more arrived than left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Called = Callable[[str, list[list[Any]]], list[Any]]

FEES = [{"source": "trading", "amount": "10.00000001"}, {"source": "subscriptions", "amount": "5"}]


def fact(total: str, name: str, units: int) -> dict[str, str]:
    return {"total": total, "name": name, "accepted": str(units)}


def test_what_has_not_reached_a_step_is_held_before_it(called: Called) -> None:
    facts = [
        fact("settled", "trading", 9_000_000),
        fact("swept", "0x2", 7_000_000),
        fact("surplus", "0x2", 500_000),
        fact("distributed", "0x5", 4_000_000),
        fact("distributed", "0x6", 3_500_000),
    ]
    [found] = called("data/fee_steps.ts", [["feeSteps", FEES, facts]])
    assert [(step["amount"], step["held"], step["by"]) for step in found["steps"]] == [
        ("15.00000001", None, ""),
        ("9", "6.00000001", "the ledger"),
        ("7", "2", "the collector"),
        ("7.5", "0", "the splitter"),
    ]
    assert [(one["source"], one["held"]) for one in found["sources"]] == [
        ("subscriptions", "5"),
        ("trading", "1.00000001"),
    ]
    assert found["isBroken"] is False


@pytest.mark.parametrize(
    "facts",
    [
        [fact("settled", "trading", 10_000_001)],  # less than all fees, and more than this source's
        [fact("settled", "trading", 1), fact("swept", "0x2", 2)],
        [fact("settled", "trading", 1), fact("swept", "0x2", 1), fact("distributed", "0x5", 2)],
    ],
    ids=["a source", "swept", "distributed"],
)
def test_more_than_the_step_before_is_seen(called: Called, facts: list[dict[str, str]]) -> None:
    [found] = called("data/fee_steps.ts", [["feeSteps", FEES, facts]])
    assert found["isBroken"] is True
