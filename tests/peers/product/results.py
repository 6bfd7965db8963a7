"""Results of a contestant as facts, to compare with the oracle's: all tables, and sums of events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from tests.e2e import facts
from tests.e2e.facts import Facts, candle_name, fee_facts, fee_hour_facts, instant_text
from tests.oracle.fills import Fill, usd
from tests.oracle.fold import fold
from tests.oracle.progress import max_leverage
from tests.oracle.windows import is_kept
from tests.peers.product.contestants import Job

EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
SHOWN, SHOWN_CHARS = 5, 300
STREAK_DAYS = "board streak_days "


def expected(fills: Iterable[Fill], job: Job) -> Facts:
    """Return the oracle's facts of a job, and the sums that the events of its effects must have."""
    totals = fold(fills)
    users = totals.users.values()
    return {
        **(facts.expected(totals) if job == "windows" else facts.expected_without_windows(totals)),
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
            (rank, user, score, _at(at)) for rank, (user, score, at) in enumerate(rows, 1)
        ]
    for day, shares in results["fees"].items():
        if "T" not in day:
            found.update(fee_facts(day, shares.items()))
    windows = window_facts(results) if "candles" in results else {}
    return found | windows | event_facts((kind, data) for kind, data in results["events"])


def window_facts(results: Mapping[str, Any]) -> Facts:
    """Return the facts of a peer's windows, without those that are so old that our product has deleted them.

    Begins, lengths and the time for which windows are kept are whole numbers of a window, so the newest window decides
    what is old as the newest fill in it would.
    """
    found: Facts = {}
    candles = {(*key.split("|"),): row for key, row in results["candles"].items()}
    newest = max(_at(begin) for _, begin, _ in candles)
    for (interval, begin, market), row in candles.items():
        if is_kept(_at(begin), interval, newest):
            found[candle_name(interval, _at(begin), market)] = (*map(Decimal, row[:5]), *row[5:7])
    for begin, hour in _kept({_at(key): row for key, row in results["hours"].items()}):
        xp = sum(amount for name, amount in hour.items() if name.startswith("xp_"))
        found[f"hour {instant_text(begin)}"] = hour["users"], hour["executions"], hour["volume"], xp
    fees = {key: shares for key, shares in results["fees"].items() if "T" in key and shares["total"]}
    for begin, shares in _kept({datetime.fromisoformat(f"{key}:00Z"): shares for key, shares in fees.items()}):
        found.update(fee_hour_facts(instant_text(begin), shares.items()))
    for key, row in results["days"].items():
        user, day = key.split("|")
        found[f"day {user} {day}"] = tuple(row[name] for name in ("xp", "trades", "volume", "pnl", "fees", "streak"))
    return found


def _at(microseconds: str | int) -> datetime:
    return EPOCH + int(microseconds) * MICROSECOND


def _kept(hours: Mapping[datetime, Any]) -> list[tuple[datetime, Any]]:
    newest = max(hours, default=EPOCH)
    return [(begin, row) for begin, row in hours.items() if is_kept(begin, "1h", newest)]


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
