"""The declaration of the gamification domain: its rows and tables, and the topics it consumes and produces.

Amounts are integers of 1e-8 USD, times microseconds since 1970.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from streams import topics
from streams.events.gamification import ClaimReward, PrestigeTier, StreakKind
from streams.topology import Domain, TableSpec
from tables.deadlines import Deadline
from tables.first_places import Candidate, FirstPlaces, LeadersReport, Leading, Rounds, Thresholds
from tables.hours import Hour
from tables.keys import SEPARATOR
from tables.row import Amount, DayNumber, Micros, Row
from tables.watermark import Watermark

SEALING_KEY: Final = "sealing"
"""The one key of `gamification-sealing`, in each partition."""
SealingPhase = Literal["newest", "older", "parts"]


class Streak(Row, frozen=True, kw_only=True):
    """Consecutive UTC days with activity of a kind."""

    days: int
    best: int
    last_day: DayNumber


class Unlocked(Row, frozen=True, kw_only=True):
    """An achievement and the event time at which it was unlocked."""

    name: str
    at: Micros


class Progress(Row, frozen=True, kw_only=True):
    """The progress of a user, and the counts that achievements need.

    Attributes:
        ss: Stellar shards ever earned: by achievements, prizes of battles, and claimed rewards.
        trades: Distinct trades; `closes` of them have a closing fill, `wins` of those a pnl above 0 now.
        volume: Sum of notional. `pnl` is the realised sum, `largest_trade` the greatest notional of one trade.
        achievements: The unlocked achievements, in order of unlocking.
        social_rating_ppm: Social rating in millionths of a point; None until it first moves.
        constellation: The constellation that the user is a member of.
        founded: Whether the user ever founded a constellation.
        prestige: The tier whose conditions the user meets now.
        mastered: Whether the user ever was a master of trading.
    """

    xp: int = 0
    level: int = 1
    max_leverage: int
    ss: int = 0
    streaks: dict[StreakKind, Streak] = msgspec.field(default_factory=dict)
    achievements: tuple[Unlocked, ...] = ()
    trades: int = 0
    closes: int = 0
    wins: int = 0
    volume: Amount = 0
    pnl: Amount = 0
    largest_trade: Amount = 0
    updated_at: Micros = 0
    social_rating_ppm: int | None = None
    constellation: str | None = None
    founded: bool = False
    battle_wins: int = 0
    prestige: PrestigeTier | None = None
    mastered: bool = False


class TradeTally(Row, frozen=True, kw_only=True):
    """The XP and marks that one trade has earned so far.

    Attributes:
        granted: XP granted for the notional so far, before the multiplier.
        closing: Whether the trade had a closing fill.
        won: Whether the extra XP for a pnl above 0 was granted. The pnl may have fallen since.
        changed_on: The day of the partition's event time on which the row changed last; 0 while rows do not leave.
    """

    notional: Amount = 0
    pnl: Amount = 0
    granted: int = 0
    closing: bool = False
    won: bool = False
    changed_on: DayNumber = 0

    @property
    def winning(self) -> bool:
        """Return whether the trade is a win now."""
        return self.closing and self.pnl > 0


_TRADED = (topics.TRADING_EVENTS,)


class SealedBefore(Row, frozen=True, kw_only=True):
    """Until when a partition sealed its parts as one of fewer partitions."""

    partitions: int
    sealed_to: Micros


class Sealing(Row, frozen=True, kw_only=True):
    """How far a partition has sealed its parts of the boards.

    Attributes:
        sealed_to: All periods that end here or earlier are sealed.
        until: The periods up to here are being sealed; 0 while none are.
        phase: What is done for them: rows of the newest standings are collected, then older rows, then parts are made.
        cursor: The key at which the phase continues.
        runs: The collected steps.
        before: For each number of partitions that there were before, all periods that end here or earlier are sealed
            by as many. The oldest comes first.
    """

    sealed_to: Micros = 0
    until: Micros = 0
    phase: SealingPhase = "newest"
    cursor: str = ""
    runs: int = 0
    before: tuple[SealedBefore, ...] = ()

    def part_of(self, partition: int, end: int) -> int:
        """Return the part of a sealed board in which the rows of this partition are; the board's period ends at `end`.

        A part has the number of the partition that sealed it, among as many partitions as there were then.
        """
        return next((partition % one.partitions for one in self.before if end <= one.sealed_to), partition)


class FoundStanding(Row, frozen=True, kw_only=True):
    """A standing, as a step of sealing found it."""

    score: int
    reached_at: Micros


class Run(Row, frozen=True, kw_only=True):
    """Standings of a part, by user, as one step collected them."""

    standings: dict[str, FoundStanding]


class SealedPart(Row, frozen=True, kw_only=True):
    """The final part of a board in one partition. `root` is the root of a Merkle tree over its rows in rank order."""

    rows: int
    root: str
    sealed_at: Micros


class WaitingPlace(Row, frozen=True, kw_only=True):
    """A user's place on a board that some partition has not sealed yet."""

    user_id: str
    score: int
    reached_at: Micros


class Deciding(Row, frozen=True, kw_only=True):
    """What the partitions have sealed of a board with rewards. The key is scope and board.

    Attributes:
        sealed_to: For each partition, the end of the periods that it has sealed.
        waiting: The first places so far of each period that some partition has not sealed, best first.
    """

    sealed_to: dict[str, Micros] = msgspec.field(default_factory=dict)
    waiting: dict[str, tuple[WaitingPlace, ...]] = msgspec.field(default_factory=dict)


RewardState = Literal["granted", "claimed", "expired"]


class Reward(Row, frozen=True, kw_only=True):
    """A reward of a user: stellar shards for a rank."""

    reward_id: str
    board: str
    period: str
    rank: int
    ss: int
    granted_at: Micros
    expires_at: Micros
    state: RewardState = "granted"


class Rewards(Row, frozen=True, kw_only=True):
    """All rewards of a user, in the order of granting. The key is the user."""

    rewards: tuple[Reward, ...] = ()


DeadlineKind = Literal["reward_expiring", "reward_expires", "streak_breaking"]
"""The kinds of deadlines. The subject is the user and the reward, or the user and the kind of the streak."""


class XpSum(Row, frozen=True, kw_only=True):
    """The sum of XP that several members earned, and the time of the last event that earned some."""

    xp: int
    reached_at: Micros


class PendingXp(Row, frozen=True, kw_only=True):
    """The XP of a constellation, which is the key, that this partition has not published yet, by period.

    Its members here earned them since the last tick.
    """

    periods: dict[str, XpSum] = msgspec.field(default_factory=dict)


class Contributions(Row, frozen=True, kw_only=True):
    """Stellar shards that users gave to a constellation, which is the key, in each of the newest seasons."""

    periods: dict[str, dict[str, int]] = msgspec.field(default_factory=dict)


class Overtakings(Row, frozen=True, kw_only=True):
    """For each board, the last day on which the user was told of a lost place. The key is the user."""

    days: dict[str, DayNumber] = msgspec.field(default_factory=dict)


class DailyTrading(Row, frozen=True, kw_only=True):
    """What a user traded on a UTC day in one mode. `trades` began on the day; `pnl` was realised on it."""

    trades: int = 0
    volume: Amount = 0
    pnl: Amount = 0
    fees: Amount = 0


class UserDay(Row, frozen=True, kw_only=True):
    """What a user did and earned on a UTC day. The key is user and day.

    Attributes:
        streaks: The days of each streak that this day began or continued.
        hours: The hours of the day in which the user was active, as bits. They tell whether the user counts as active
            in an hour already, without a set of users.
    """

    xp: int = 0
    live: DailyTrading = DailyTrading()
    practice: DailyTrading = DailyTrading()
    streaks: dict[StreakKind, int] = msgspec.field(default_factory=dict)
    hours: int = 0


def day_key(user_id: str, day: str) -> str:
    """Return a key of `gamification-days`; `day` is a UTC day such as `2024-09-20`."""
    return f"{user_id}{SEPARATOR}{day}"


_BOARDS = (topics.GAMIFICATION_BOARDS,)
_REWARDING = (*_BOARDS, topics.GAMIFICATION_COMMANDS, topics.CLOCK)
_WITH_XP = (*_TRADED, topics.FINANCIAL_EVENTS, topics.SOCIAL_EVENTS)
_EARNING = (*_WITH_XP, topics.USER_EVENTS)
_STREAKING = (*_TRADED, topics.SOCIAL_EVENTS, topics.USER_EVENTS)

GAMIFICATION_PROCESSED: Final[TableSpec[Row]] = TableSpec(
    "gamification-processed", None, (*_EARNING, *_REWARDING), only_at_least_once=True
)
GAMIFICATION_PROGRESS: Final = TableSpec("gamification-progress", Progress, (*_EARNING, topics.GAMIFICATION_COMMANDS))
GAMIFICATION_TRADES: Final = TableSpec("gamification-trades", TradeTally, (*_TRADED, topics.CLOCK))
GAMIFICATION_BOARDS: Final[TableSpec[Row]] = TableSpec(
    "gamification-boards", None, (*_WITH_XP, *_BOARDS, topics.CLOCK), ranked=True
)
GAMIFICATION_WATERMARK: Final = TableSpec("gamification-watermark", Watermark, (*_EARNING, topics.CLOCK))
GAMIFICATION_SEALING: Final = TableSpec("gamification-sealing", Sealing, (topics.CLOCK,))
GAMIFICATION_RUNS: Final = TableSpec("gamification-runs", Run, (topics.CLOCK,))
GAMIFICATION_DECIDING: Final = TableSpec("gamification-deciding", Deciding, _BOARDS)
GAMIFICATION_REWARDS: Final = TableSpec("gamification-rewards", Rewards, _REWARDING)
GAMIFICATION_DEADLINES: Final = TableSpec("gamification-deadlines", Deadline, (*_STREAKING, *_REWARDING))
GAMIFICATION_LEADING: Final = TableSpec("gamification-leading", Leading, (topics.CLOCK,))
GAMIFICATION_THRESHOLDS: Final = TableSpec("gamification-thresholds", Thresholds, (topics.CLOCK,))
GAMIFICATION_CANDIDATES: Final = TableSpec("gamification-candidates", Candidate, (*_WITH_XP, topics.CLOCK))
GAMIFICATION_ROUNDS: Final = TableSpec("gamification-rounds", Rounds, _BOARDS)
GAMIFICATION_REPORTS: Final = TableSpec("gamification-reports", LeadersReport, _BOARDS)
GAMIFICATION_FIRST: Final = TableSpec("gamification-first", FirstPlaces, _BOARDS)
GAMIFICATION_OVERTAKINGS: Final = TableSpec("gamification-overtakings", Overtakings, _BOARDS)
GAMIFICATION_PENDING_XP: Final = TableSpec("gamification-pending-xp", PendingXp, (*_WITH_XP, topics.CLOCK))
GAMIFICATION_CONTRIBUTIONS: Final = TableSpec(
    "gamification-contributions", Contributions, (topics.SOCIAL_EVENTS, *_BOARDS)
)
GAMIFICATION_HOURS: Final = TableSpec("gamification-hours", Hour, _EARNING)
GAMIFICATION_DAYS: Final = TableSpec("gamification-days", UserDay, (*_EARNING, topics.CLOCK))
GAMIFICATION_SEALS: Final = TableSpec("gamification-seals", SealedPart, (topics.CLOCK,))

DOMAIN: Final = Domain(
    name="gamification",
    consumes=(*_EARNING, *_REWARDING),
    produces={
        topics.GAMIFICATION_EVENTS: (*_EARNING, *_REWARDING),
        topics.GAMIFICATION_BOARDS: (topics.CLOCK, *_BOARDS),
        topics.NOTIFICATIONS: (*_WITH_XP, *_BOARDS, topics.CLOCK),
    },
    commands=(ClaimReward,),
    tables=(
        GAMIFICATION_PROCESSED,
        GAMIFICATION_PROGRESS,
        GAMIFICATION_TRADES,
        GAMIFICATION_BOARDS,
        GAMIFICATION_WATERMARK,
        GAMIFICATION_SEALING,
        GAMIFICATION_RUNS,
        GAMIFICATION_SEALS,
        GAMIFICATION_DECIDING,
        GAMIFICATION_REWARDS,
        GAMIFICATION_DEADLINES,
        GAMIFICATION_LEADING,
        GAMIFICATION_THRESHOLDS,
        GAMIFICATION_CANDIDATES,
        GAMIFICATION_ROUNDS,
        GAMIFICATION_REPORTS,
        GAMIFICATION_FIRST,
        GAMIFICATION_OVERTAKINGS,
        GAMIFICATION_PENDING_XP,
        GAMIFICATION_CONTRIBUTIONS,
        GAMIFICATION_HOURS,
        GAMIFICATION_DAYS,
    ),
)
