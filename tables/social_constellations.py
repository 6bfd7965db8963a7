"""Constellations and battles in the social domain: their rows and tables, and the topics that these come from."""

from __future__ import annotations

import unicodedata
from typing import Final, Literal

from streams import topics
from streams.events.battles import AcceptBattle, BattleKind, ChallengeBattle, DeclineBattle, WithdrawChallenge
from streams.events.constellations import (
    CONSTELLATION_NAME_CHARS,
    ChangeMemberRole,
    ConstellationRole,
    ContributeShards,
    CreateConstellation,
    DissolveConstellation,
    JoinConstellation,
    LeaveConstellation,
    LiftBan,
    RemoveMember,
)
from streams.topology import Domain, TableSpec
from tables.boards import ALL_TIME, GLOBAL, row_key
from tables.deadlines import Deadline
from tables.keys import SEPARATOR
from tables.row import Amount, Micros, Row

BATTLES_LISTED_MAX: Final = 50
"""How many of its newest battles a constellation lists."""
RATING_NAME: Final = f"{ALL_TIME}/battle_rating"
RATING_GROUP: Final = f"{GLOBAL}/{RATING_NAME}"
"""The ranking of `social-ratings`."""

NAME_KEY_CHARS_MAX: Final = 256
"""How long the key of a name may be."""

BattleState = Literal[
    "proposed", "challenged", "starting", "running", "completed", "declined", "withdrawn", "expired", "refused"
]
BattleSide = Literal["challenger", "defender"]
LEADERS: Final[frozenset[ConstellationRole]] = frozenset({"owner", "admin"})
"""The roles that act for a constellation: they answer challenges, remove members and lift bans."""
DeadlineKind = Literal[
    "follow", "membership", "engagement", "entry", "points", "answer", "challenge", "side", "score", "closing"
]
"""What a tick of the social domain has to do, of people as well as of constellations."""
OPEN_STATES: Final[frozenset[BattleState]] = frozenset({"proposed", "challenged", "starting", "running"})


def name_key(name: str) -> str:
    """Return the partition key of a constellation's name. Names that differ in case or form only have one key."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return f"name:{' '.join(folded.split())}"


def good_name(name: str) -> bool:
    """Return whether a name can be a constellation's: 3 to 40 printable characters, also when it is normalised."""
    key = name_key(name)
    shortest, longest = CONSTELLATION_NAME_CHARS
    fits = shortest <= len(name) <= longest and shortest <= len(key.removeprefix("name:"))
    return fits and name.isprintable() and name == name.strip() and len(key) <= NAME_KEY_CHARS_MAX


def member_key(first: str, second: str) -> str:
    """Return the key of a row that belongs to the partition of the first id."""
    return f"{first}{SEPARATOR}{second}"


def rating_key(constellation_id: str) -> str:
    """Return the key of a constellation's row in `social-ratings`."""
    return row_key(GLOBAL, constellation_id)


class Membership(Row, frozen=True, kw_only=True):
    """The one membership slot of a user, who is the key. A user without a row belongs to no constellation.

    Attributes:
        state: `reserving` until the constellation has decided.
        request_id: The command that reserved the slot.
        name: The constellation's name.
        purpose: Whether the user founds the constellation or joins it.
    """

    state: Literal["reserving", "member"]
    constellation_id: str
    request_id: str
    name: str = ""
    purpose: Literal["create", "join"]
    role: ConstellationRole = "recruit"
    since: Micros


class NameClaim(Row, frozen=True, kw_only=True):
    """The constellation that has a name. The key is the name (`name_key`)."""

    constellation_id: str
    user_id: str
    since: Micros


class Engagement(Row, frozen=True, kw_only=True):
    """The battle or challenge that a constellation is in.

    Attributes:
        user_id: The member who asked for it.
        confirmed: Whether the battle's partition holds the constellation, and will let it go.
    """

    battle_id: str
    side: BattleSide
    opponent: str
    user_id: str = ""
    confirmed: bool = False
    since: Micros


class Constellation(Row, frozen=True, kw_only=True):
    """A constellation. The key is its id.

    Attributes:
        contributed: All stellar shards that members ever gave.
        rating: The battle rating.
        engagement: The battle or challenge that it is in.
        battles: Its newest battles and challenges, newest first.
        dissolved_at: When it was dissolved; 0 while it exists.
    """

    name: str
    owner: str
    members: int
    members_max: int
    level: int = 1
    contributed: int = 0
    rating: int
    won: int = 0
    lost: int = 0
    tied: int = 0
    engagement: Engagement | None = None
    battles: tuple[str, ...] = ()
    created_at: Micros
    dissolved_at: Micros = 0


class Member(Row, frozen=True, kw_only=True):
    """A member of a constellation. `contributed` is what the member gave since joining."""

    user_id: str
    role: ConstellationRole
    request_id: str
    contributed: int = 0
    joined_at: Micros


class Roster(Row, frozen=True, kw_only=True):
    """The members of a constellation, in the order of joining, and the users that it banned. The key is its id."""

    members: tuple[Member, ...] = ()
    banned: tuple[str, ...] = ()

    def member(self, user_id: str) -> Member | None:
        """Return a member by id."""
        return next((member for member in self.members if member.user_id == user_id), None)


class Side(Row, frozen=True, kw_only=True):
    """One side of a battle: sums over its members, as they reported them last.

    Attributes:
        constellation_id: The constellation.
        members: How many members there were when the battle started; `closed` of them have final points.
        prize: Stellar shards that the side's members get together.
    """

    constellation_id: str
    members: int = 0
    closed: int = 0
    pnl: Amount = 0
    closes: int = 0
    wins: int = 0
    trades: int = 0
    score: Amount = 0
    prize: int = 0


class Battle(Row, frozen=True, kw_only=True):
    """A battle from challenge to result. The key is its id.

    Attributes:
        user_id: The member who challenged.
        expires_at: Until when the challenge may be answered.
        completed_at: When the battle was completed, or the challenge was refused, declined, withdrawn or
            expired.
        winner: The winner's id once completed; None for a tie.
        digest: SHA-256 over the entries of a completed battle.
        announced: The scores that `BattleScoreChanged` said last, of challenger and defender.
    """

    state: BattleState
    kind: BattleKind
    hours: int
    user_id: str
    challenger: Side
    defender: Side
    proposed_at: Micros
    expires_at: Micros = 0
    starts_at: Micros = 0
    ends_at: Micros = 0
    completed_at: Micros = 0
    winner: str | None = None
    digest: str = ""
    announced: tuple[int, ...] = (0, 0)


class BattlePoints(Row, frozen=True, kw_only=True):
    """The points of a member in a battle. The key is the battle's id and the member's."""

    side: BattleSide
    pnl: Amount = 0
    closes: int = 0
    wins: int = 0
    trades: int = 0
    final: bool = False
    prize: int = 0


class BattleEntry(Row, frozen=True, kw_only=True):
    """The battle that a user takes part in, and the user's points so far. The key is the user."""

    battle_id: str
    constellation_id: str
    starts_at: Micros
    ends_at: Micros
    pnl: Amount = 0
    closes: int = 0
    wins: int = 0
    trades: int = 0
    reported: bool = True


class BattleTrade(Row, frozen=True, kw_only=True):
    """What a trade did within a battle. The key is the user's id and the trade's."""

    pnl: Amount = 0
    closing: bool = False

    @property
    def winning(self) -> bool:
        """Return whether the trade is a win now."""
        return self.closing and self.pnl > 0


_COMMANDS, _SOCIAL = topics.SOCIAL_COMMANDS, topics.SOCIAL_EVENTS
_TRADED, _CLOCK, _PAID = topics.TRADING_EVENTS, topics.CLOCK, topics.FINANCIAL_EVENTS
_ACCOUNTS = topics.USER_EVENTS

SOCIAL_MEMBERSHIPS: Final = TableSpec("social-memberships", Membership, (_COMMANDS, _SOCIAL, _ACCOUNTS), handovers=3)
SOCIAL_NAMES: Final = TableSpec("social-names", NameClaim, (_SOCIAL,), handovers=1)
SOCIAL_CONSTELLATIONS: Final = TableSpec("social-constellations", Constellation, (_SOCIAL,), handovers=5)
SOCIAL_ROSTERS: Final = TableSpec("social-rosters", Roster, (_SOCIAL,), handovers=2)
SOCIAL_RATINGS: Final[TableSpec[Row]] = TableSpec("social-ratings", None, (_SOCIAL,), ranked=True, handovers=2)
SOCIAL_BATTLES: Final = TableSpec("social-battles", Battle, (_SOCIAL, _CLOCK), handovers=4)
SOCIAL_BATTLE_POINTS: Final = TableSpec("social-battle-points", BattlePoints, (_SOCIAL,), handovers=4)
SOCIAL_BATTLE_ENTRIES: Final = TableSpec("social-battle-entries", BattleEntry, (_SOCIAL, _TRADED, _CLOCK), handovers=5)
SOCIAL_BATTLE_TRADES: Final = TableSpec("social-battle-trades", BattleTrade, (_TRADED, _CLOCK))
SOCIAL_DEADLINES: Final = TableSpec("social-deadlines", Deadline, (_COMMANDS, _SOCIAL, _TRADED, _CLOCK), handovers=5)

CONSTELLATIONS: Final = Domain(
    name="social",
    consumes=(_COMMANDS, _SOCIAL, _TRADED, _PAID, _ACCOUNTS, _CLOCK),
    produces={
        _SOCIAL: (_COMMANDS, _SOCIAL, _PAID, _ACCOUNTS, _CLOCK),
        topics.NOTIFICATIONS: (_SOCIAL,),
    },
    commands=(
        CreateConstellation,
        JoinConstellation,
        LeaveConstellation,
        DissolveConstellation,
        ChangeMemberRole,
        RemoveMember,
        LiftBan,
        ContributeShards,
        ChallengeBattle,
        AcceptBattle,
        DeclineBattle,
        WithdrawChallenge,
    ),
    tables=(
        SOCIAL_MEMBERSHIPS,
        SOCIAL_NAMES,
        SOCIAL_CONSTELLATIONS,
        SOCIAL_ROSTERS,
        SOCIAL_RATINGS,
        SOCIAL_BATTLES,
        SOCIAL_BATTLE_POINTS,
        SOCIAL_BATTLE_ENTRIES,
        SOCIAL_BATTLE_TRADES,
        SOCIAL_DEADLINES,
    ),
    unhurried=frozenset({_TRADED}),
)
