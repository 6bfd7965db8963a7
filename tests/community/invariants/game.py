"""What always holds of play: experience, achievements, rewards, sealed boards, practice accounts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from math import isqrt
from typing import Any, Final

from streams.events.battles import BattleFought
from streams.events.gamification import (
    AchievementUnlocked,
    LeaderboardSealed,
    PoolDecided,
    RewardClaimed,
    RewardDecided,
    RewardExpired,
    RewardGranted,
    XPGained,
)
from streams.events.trading import TradeClosed, TradeExecuted, TradeLiquidated
from streams.times import DAY_US
from streams.units import SCALE
from tables import merkle
from tables.accounts import EMISSION, account_of
from tables.boards import Standing, group_of, parse_period
from tables.financial import FINANCIAL_LEDGER
from tables.gamification import GAMIFICATION_BOARDS, GAMIFICATION_PROGRESS, GAMIFICATION_SEALING, Sealing
from tables.trading import TRADING_ACCOUNTS, TRADING_OPEN, TRADING_TRADES
from tables.typed import standings
from tests.community.invariants.facts import Broken, Facts

OPENED_A_DAY_MAX: Final = 20

Ranked = tuple[int, int, str]
"""A place on a board, as it sorts: the score below 0, the time at which it was reached, and the user."""


def experience_is_gained_once(facts: Facts) -> Broken:
    """Check that a user's XP is the sum of what was gained, and that each cause and each achievement gave it once."""
    gained: Counter[str] = Counter()
    for event in facts.of(XPGained):
        gained[event.partitionkey] += event.data.amount
    for user, row in facts.rows(GAMIFICATION_PROGRESS).items():
        if (row.xp, row.level) != (gained[user], min(100, isqrt(gained[user] // 100) + 1)):
            yield f"{user} has {row.xp} XP and level {row.level}, gained were {gained[user]}"
    unlocked = Counter((one.partitionkey, one.data.achievement) for one in facts.of(AchievementUnlocked))
    yield from _more_than_once("was unlocked", unlocked)
    yield from _more_than_once("gave XP", _causes(facts))


def _causes(facts: Facts) -> Counter[tuple[str, ...]]:
    """Count what gave XP: a trade by its first close and by its first win, and otherwise each event."""
    events: list[Any] = [*facts.of(TradeExecuted), *facts.of(TradeClosed)]
    trades = {one.id: one.data.trade_id for one in events}
    causes: Counter[tuple[str, ...]] = Counter()
    for event in facts.of(XPGained):
        source, cause = event.data.source, event.data.source_event_id
        if source in {"close", "win"}:
            causes[source, event.partitionkey, trades[cause]] += 1
        elif source != "achievement":
            causes[source, cause] += 1
    return causes


def rewards_are_granted_and_paid_once(facts: Facts) -> Broken:
    """Check that a reward came once and ended once, and that no claim came too late."""
    granted = Counter((one.partitionkey, one.data.reward_id) for one in facts.of(RewardGranted))
    ends = {(one.partitionkey, one.data.reward_id): one.data.expires_us for one in facts.of(RewardGranted)}
    claimed = [(one.partitionkey, one.data.reward_id, one.time) for one in facts.of(RewardClaimed)]
    ended = Counter((user, reward_id) for user, reward_id, _ in claimed)
    ended += Counter((one.partitionkey, one.data.reward_id) for one in facts.of(RewardExpired))
    yield from _more_than_once("was granted", granted)
    yield from _more_than_once("was claimed or expired", ended)
    yield from (f"{user} claimed {name} late" for user, name, at in claimed if at >= ends.get((user, name), at))
    yield from (f"reward {key} ended and was never granted" for key in ended.keys() - granted.keys())


def shards_are_emitted_once(facts: Facts) -> Broken:
    """Check that the shards that left the emission account are those of achievements, claims and prizes."""
    earned = sum(one.data.ss for one in facts.of(AchievementUnlocked))
    earned += sum(one.data.ss for one in facts.of(RewardClaimed))
    earned += sum(one.data.prize_ss for one in facts.of(BattleFought))
    emitted = -sum(int(row.amount) for key, row in facts.parts(FINANCIAL_LEDGER) if account_of(key) == (EMISSION, "SS"))
    if emitted != earned * SCALE:
        yield f"emitted were {emitted / SCALE} SS, earned {earned}"


def boards_are_sealed_once_as_they_stand(facts: Facts) -> Broken:
    """Check that a part of a board was sealed once, and that its digest is that of its rows as they are now."""
    parts = _parts(facts)
    seals: Counter[tuple[int, str]] = Counter()
    for event in facts.of(LeaderboardSealed):
        part = event.data
        place = part.partition, f"{part.scope}/{part.period}/{part.board}"
        seals[place] += 1
        rows = sorted(parts[place])
        if (part.rows, part.digest) != (len(rows), merkle.root([merkle.leaf(-row[0], *row[1:]) for row in rows])):
            yield f"{place} was sealed with {part.rows} rows, it has {len(rows)}, or others"
    yield from _more_than_once("was sealed", seals)


def rewards_go_to_the_first_places(facts: Facts) -> Broken:
    """Check that each rank of a board that was rewarded is that of the standings of all partitions."""
    boards: dict[str, list[Ranked]] = defaultdict(list)
    for (_, group), rows in _parts(facts).items():
        boards[group] += rows
    ranks = {group: [user for *_, user in sorted(rows)] for group, rows in boards.items()}
    decided: Counter[tuple[str, int]] = Counter()
    events: list[Any] = [*facts.of(PoolDecided), *facts.of(RewardDecided)]
    for event in events:
        data: PoolDecided | RewardDecided = event.data
        group = f"{data.scope}/{data.period}/{data.board}"
        if isinstance(data, RewardDecided) and data.constellation is not None:
            continue
        decided[group, data.rank] += 1
        if ranks[group][data.rank - 1 : data.rank] != [event.partitionkey]:
            yield f"rank {data.rank} of {group} was given to {event.partitionkey}, the ranks are {ranks[group][:10]}"
    yield from _more_than_once("was rewarded", decided)


def practice_accounts_are_covered(facts: Facts) -> Broken:
    """Check that margins are those of the open trades, and that no account is below 0."""
    margins: Counter[str] = Counter()
    trades = facts.rows(TRADING_TRADES)
    for key, row in facts.rows(TRADING_OPEN).items():
        margins[row.user_id] += trades[f"{row.user_id}|{key.partition('|')[2]}"].margin
    for user, account in facts.rows(TRADING_ACCOUNTS).items():
        if account.margin != margins[user]:
            yield f"{user} has margin {account.margin}, open trades have {margins[user]}"
        if account.available < 0:
            yield f"{user} has {account.available} available"


def practice_trades_end_once_and_are_few_a_day(facts: Facts) -> Broken:
    """Check that no practice trade ended twice, and that a user opened at most 20 on each UTC day."""
    ended = Counter(one.data.trade_id for one in (*facts.of(TradeClosed), *facts.of(TradeLiquidated)))
    yield from _more_than_once("ended", ended)
    opened = Counter(
        (one.partitionkey, one.time // DAY_US) for one in facts.of(TradeExecuted) if one.data.mode == "practice"
    )
    yield from (f"{key} opened {count} trades" for key, count in opened.items() if count > OPENED_A_DAY_MAX)


def _more_than_once(what: str, counts: Mapping[Any, int]) -> Broken:
    yield from (f"{key} {what} {count} times" for key, count in counts.items() if count > 1)


def _parts(facts: Facts) -> dict[tuple[int, str], list[Ranked]]:
    """Return the standings of each part of a board, by the number of the partition that seals it."""
    states = {one.partition: one.row for one in facts.stored(GAMIFICATION_SEALING)}
    found: dict[tuple[int, str], list[Ranked]] = defaultdict(list)
    for partition, key, row in facts.stored(GAMIFICATION_BOARDS):
        row_name, _, user_id = key.rpartition("|")
        for name, ranked in standings(row).items():
            group = group_of(row_name, name)
            end = parse_period(group.split("/")[1]).end
            part = partition if end is None else states.get(partition, Sealing()).part_of(partition, end)
            found[part, group].append(Standing.of(ranked).order(user_id))
    return found
