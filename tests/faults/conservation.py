"""Sums over the log itself, without any rule of the product: nothing is lost, nothing invented. Pure functions."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import orjson

from tests.faults.events import Finding, finding_if_any
from tests.oracle.fills import usd

Event = Mapping[str, Any]
Rows = Mapping[str, Iterable[tuple[str, Any]]]
"""Rows of each table, of all partitions: key and decoded value."""


def executions(trading: Iterable[Event], fills: int) -> Iterator[Finding]:
    """Check that each fill has one execution."""
    executed = sum(kind(event) == "TradeExecuted" for event in trading)
    if executed != fills:
        yield f"{executed} executions of {fills} fills"


def fees(financial: Iterable[Event], rows: Rows) -> Iterator[Finding]:
    """Check that shares sum to their fee in each event and each total, and that totals are the sums of the events."""
    accrued = [event["data"] for event in financial]
    unequal = [one for one in accrued if usd(one["amount"]) != sum(map(usd, one["beneficiaries"].values()))]
    yield from finding_if_any("fees", "whose shares do not sum to the whole", unequal)
    whole, shares = Counter[str](), Counter[str]()
    for key, row in rows["financial-fees"]:
        day, beneficiary = key.rsplit("|", 2)[1:]
        (whole if beneficiary == "total" else shares)[day] += row["amount"]
    yield from finding_if_any(
        "fees", "days whose shares do not sum to the total", [day for day in whole if whole[day] != shares[day]]
    )
    accrued_sum = sum(usd(one["amount"]) for one in accrued)
    if whole["all"] != accrued_sum:
        yield f"fees: the table has {whole['all']}, the events {accrued_sum}"


def experience(gamification: Iterable[Event], rows: Rows) -> Iterator[Finding]:
    """Check that each user's XP is the sum of the XP gained."""
    gained = Counter[str]()
    for event in gamification:
        if kind(event) == "XPGained":
            gained[event["partitionkey"]] += event["data"]["amount"]
    owned = {key: row["xp"] for key, row in rows["gamification-progress"]}
    wrong = [
        f"{user}: gained {gained[user]}, has {owned.get(user, 0)}"
        for user in {*owned, *gained}
        if owned.get(user, 0) != gained[user]
    ]
    yield from finding_if_any("xp", "users whose XP differs from the sum of their XPGained events", sorted(wrong))


def kind(event: Event) -> str:
    return str(event["type"]).split(".")[2]


def decoded(values: Iterable[bytes | None]) -> list[Event]:
    return [orjson.loads(value) for value in values if value is not None]
