"""Results of a contestant as facts, to compare with the oracle's: progress, positions, boards, fees, sums of events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.e2e import facts
from tests.e2e.facts import Facts, fee_facts
from tests.oracle.fills import Fill, usd
from tests.oracle.fold import fold
from tests.oracle.progress import max_leverage

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
SHOWN, SHOWN_CHARS = 5, 300
STREAK_DAYS = "board streak_days "


def expected(fills: Iterable[Fill]) -> Facts:
    """Return the oracle's facts, and the sums that the events of its effects must have."""
    totals = fold(fills)
    users = totals.users.values()
    return {
        **facts.expected_without_windows(totals),
        "events TradeExecuted": totals.fills,
        "events TradeExecuted notional": sum(user.volume for user in users),
        "events XPGained amount": sum(user.xp for user in users),
        "events AchievementUnlocked": sum(len(user.achievements) for user in users),
        "events FeeAccrued amount": totals.fees.totals["all"]["total"],
    }


def facts_of(results: Mapping[str, Any]) -> Facts:
    """Return the facts of a peer's results (`tests.peers.product.apps`)."""
    found: Facts = {}
    for user, row in results["progress"].items():
        found.update((f"progress {user} {name}", value) for name, value in _progress(row).items())
    for key, row in results["positions"].items():
        user, market = key.split("|")
        found[f"position {user} {market} realised"] = row["realised"]
        found[f"position {user} {market} quantity"] = Decimal(row["quantity"])
    for key, rows in results["boards"].items():
        board, scope, period = key.split("/")
        found[f"board {board} {period} {scope}"] = [
            (rank, user, score, EPOCH + timedelta(microseconds=at)) for rank, (user, score, at) in enumerate(rows, 1)
        ]
    for day, shares in results["fees"].items():
        found.update(fee_facts(day, shares.items()))
    return found | event_facts((kind, data) for kind, data in results["events"])


def event_facts(events: Iterable[tuple[str, Mapping[str, Any]]]) -> Facts:
    """Return the sums over events, given as types and data, in the names of our product or of a peer."""
    trades = notional = xp = achievements = fees = 0
    for kind, data in events:
        match kind:
            case "TradeExecuted":
                trades += 1
                notional += usd(data["notional_usd"])
            case "XPGained":
                xp += int(data["amount"])
            case "AchievementUnlocked":
                achievements += 1
            case "FeeAccrued":
                fees += data["total"] if "total" in data else usd(data["amount"])
    return {
        "events TradeExecuted": trades,
        "events TradeExecuted notional": notional,
        "events XPGained amount": xp,
        "events AchievementUnlocked": achievements,
        "events FeeAccrued amount": fees,
    }


def _progress(row: Mapping[str, Any]) -> dict[str, Any]:
    same = ("xp", "level", "trades", "closes", "wins", "volume", "pnl", "streak")
    return {
        **{name: row[name] for name in same},
        "shards": row["ss"],
        "streak_best": row["best"],
        "streak_last_day": date.fromordinal(row["last_day"]),
        "max_leverage": max_leverage(row["level"]),
        "achievements": [(name, datetime.fromisoformat(at)) for name, at in row["achievements"].items()],
    }


def complaint(right: Facts, found: Facts) -> str | None:
    """Return the first differences in words, or None when the results are equal.

    The peers rank no streak days. Our product does, and so does more work than they in the race.
    """
    right, found = _ranked_by_all(right), _ranked_by_all(found)
    wrong = facts.differences(right, found)
    if not wrong:
        return None
    shown = [line if len(line) <= SHOWN_CHARS else f"{line[:SHOWN_CHARS]}..." for line in wrong[:SHOWN]]
    return "\n".join([f"{len(wrong)} of {len(right)} results differ from the oracle:", *shown])


def _ranked_by_all(results: Facts) -> Facts:
    return {name: value for name, value in results.items() if not name.startswith(STREAK_DAYS)}
