"""What always holds of a community, whatever its people did and in whatever order: no oracle, only the rules.

Caps, uniqueness, conservation, effects once only, and, at the end, no reservation that is still open.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final, TypeVar, cast

from streams.events import AnyEvent, Command, Event, EventData
from streams.events.clock import Ticked
from streams.events.financial import FeeAccrued, WithdrawalCompleted
from streams.events.gamification import AchievementUnlocked, RewardClaimed, RewardExpired, RewardGranted, XPGained
from streams.events.market import PriceUpdated
from streams.events.nft import NFTSold
from streams.events.social import BattleCompleted
from tables.accounts import account_of, is_of_user, user_part
from tables.financial import (
    ALL_DAYS,
    FINANCIAL_FEES,
    FINANCIAL_LEDGER,
    FINANCIAL_RESERVATIONS,
    FINANCIAL_WITHDRAWALS,
    TOTAL,
)
from tables.gamification import GAMIFICATION_PROGRESS
from tables.nft import NFT_COLLECTORS, NFT_TOKENS
from tables.social_constellations import (
    OPEN_STATES,
    SOCIAL_BATTLE_ENTRIES,
    SOCIAL_BATTLES,
    SOCIAL_CONSTELLATIONS,
    SOCIAL_MEMBERSHIPS,
    SOCIAL_NAMES,
    SOCIAL_ROSTERS,
    name_key,
)
from tables.trading import TRADING_ACCOUNTS, TRADING_OPEN, TRADING_TRADES
from tests.community.compared.engine import Stored

FROM_OUTSIDE: Final = (Command, PriceUpdated, Ticked)
"""What a client may send again, and what has a copy in each partition."""
POOLS: Final = frozenset({0, 200, 500, 800, 1000})
"""What a side of a battle may win, of a pool of 1,000."""

Broken = Iterator[str]
DataT = TypeVar("DataT", bound=EventData)


class Facts:
    """The rows and the events of a community at its end."""

    def __init__(self, stored: Stored, events: Iterable[AnyEvent]) -> None:
        self._stored = {name: list(rows) for name, rows in stored.items()}
        self.events = list(events)

    def rows(self, spec: Any) -> dict[str, Any]:
        """Return the rows of a table whose keys have a row in one partition only."""
        return {one.key: one.row for one in self._stored.get(spec.name, ())}

    def parts(self, spec: Any) -> list[tuple[str, Any]]:
        """Return the rows of a table whose keys may have a row in each partition."""
        return [(one.key, one.row) for one in self._stored.get(spec.name, ())]

    def of(self, model: type[DataT]) -> list[Event[DataT]]:
        """Return the events of a class."""
        return [cast("Event[DataT]", event) for event in self.events if isinstance(event.data, model)]


def no_event_exists_twice(facts: Facts) -> Broken:
    """Check that no fact has the id of another: a command that comes again has its effects once."""
    counts = Counter((event.type, event.id) for event in facts.events if not isinstance(event.data, FROM_OUTSIDE))
    yield from (f"{kind} {event_id} exists {count} times" for (kind, event_id), count in counts.items() if count > 1)


def money_is_conserved(facts: Facts) -> Broken:
    """Check the ledger: each asset sums to 0, and no user owes."""
    totals: Counter[str] = Counter()
    for key, row in facts.parts(FINANCIAL_LEDGER):
        account, asset = account_of(key)
        totals[asset] += int(row.amount)
        if is_of_user(account) and row.amount < 0:
            yield f"{account} has {row.amount} {asset}"
    for asset, total in totals.items():
        if total:
            yield f"the accounts of {asset} sum to {total}, not 0"


def what_is_reserved_is_what_is_open(facts: Facts) -> Broken:
    """Check each user's reserved money: it is the sum of the open withdrawals, as no purchase is open any more."""
    expected: dict[tuple[str, str], int] = defaultdict(int)
    for user, row in facts.rows(FINANCIAL_WITHDRAWALS).items():
        for one in row.open:
            expected[user, one.asset] += int(one.amount)
    found: dict[tuple[str, str], int] = defaultdict(int)
    for key, row in facts.parts(FINANCIAL_LEDGER):
        account, asset = account_of(key)
        owner = user_part(account)
        if owner is not None and owner[1] == "reserved" and row.amount:
            found[owner[0], asset] += int(row.amount)
    if found != expected:
        yield f"reserved is {dict(found)}, open withdrawals are {dict(expected)}"
    for key in facts.rows(FINANCIAL_RESERVATIONS):
        yield f"reservation {key} is still open"


def fees_are_those_that_accrued(facts: Facts) -> Broken:
    """Check the all-time totals of fees against the events that accrued them, and the split against the whole."""
    expected: Counter[str] = Counter()
    for event in facts.of(FeeAccrued):
        expected[TOTAL] += int(event.data.amount)
        for beneficiary, amount in event.data.beneficiaries.items():
            expected[beneficiary] += int(amount)
    found: Counter[str] = Counter()
    for key, row in facts.parts(FINANCIAL_FEES):
        source, asset, day, beneficiary = key.split("|")
        if (source, asset, day) == ("trading", "USD", ALL_DAYS):
            found[beneficiary] += row.amount
    if +found != +expected:
        yield f"fees of trades are {dict(found)}, accrued were {dict(expected)}"
    if sum(amount for name, amount in found.items() if name != TOTAL) != found[TOTAL]:
        yield f"the shares of the fees of trades do not sum to the total: {dict(found)}"


def a_withdrawal_is_paid_once(facts: Facts) -> Broken:
    """Check that no withdrawal was completed twice."""
    paid = Counter(event.data.withdrawal_id for event in facts.of(WithdrawalCompleted))
    yield from (f"withdrawal {name} was paid {count} times" for name, count in paid.items() if count > 1)


def members_are_in_one_constellation(facts: Facts) -> Broken:
    """Check that slots and rosters agree, caps hold, each constellation has one owner, and no slot is pending."""
    slots, rosters = facts.rows(SOCIAL_MEMBERSHIPS), facts.rows(SOCIAL_ROSTERS)
    listed = [(one.user_id, key, one.role) for key, roster in rosters.items() for one in roster.members]
    held = [(user, slot.constellation_id, slot.role) for user, slot in slots.items()]
    if sorted(listed) != sorted(held):
        yield f"rosters and slots differ: {sorted(set(listed) ^ set(held))}"
    yield from (f"the slot of {user} is {slot.state}" for user, slot in slots.items() if slot.state != "member")
    for key, row in facts.rows(SOCIAL_CONSTELLATIONS).items():
        members = rosters[key].members if key in rosters else ()
        if not len(members) == row.members <= row.members_max and not row.dissolved_at:
            yield f"constellation {key} has {len(members)} members, counts {row.members} of {row.members_max}"
        if sum(one.role == "owner" for one in members) != (not row.dissolved_at):
            yield f"constellation {key} has {[one.role for one in members]}"


def a_name_is_of_one_constellation(facts: Facts) -> Broken:
    """Check that the claims of names are those of the constellations that exist."""
    standing = {key: row for key, row in facts.rows(SOCIAL_CONSTELLATIONS).items() if not row.dissolved_at}
    claims = {name: claim.constellation_id for name, claim in facts.rows(SOCIAL_NAMES).items()}
    named = Counter(name_key(row.name) for row in standing.values())
    yield from (f"{count} constellations have the name {name}" for name, count in named.items() if count > 1)
    if claims != (expected := {name_key(row.name): key for key, row in standing.items()}):
        yield f"names are claimed {claims}, expected {expected}"


def battles_end_and_their_prizes_are_whole(facts: Facts) -> Broken:
    """Check that no battle is open, none engages a constellation, and each pool was split as the rules say."""
    for key, row in facts.rows(SOCIAL_BATTLES).items():
        if row.state in OPEN_STATES:
            yield f"battle {key} is {row.state}"
        if not {row.challenger.prize, row.defender.prize} <= POOLS:
            yield f"battle {key} has prizes {row.challenger.prize} and {row.defender.prize}"
    for key, row in facts.rows(SOCIAL_CONSTELLATIONS).items():
        if row.engagement is not None:
            yield f"constellation {key} is engaged in {row.engagement.battle_id}"
    yield from (f"the battle entry {key} remains" for key in facts.rows(SOCIAL_BATTLE_ENTRIES))
    completed = Counter(event.subject for event in facts.of(BattleCompleted))
    yield from (f"battle {key} was completed {count} times" for key, count in completed.items() if count > 1)


def tokens_are_minted_and_sold_once(facts: Facts) -> Broken:
    """Check that a user has one mint of a type, each with one token, and that a listing was sold once."""
    minted = Counter(
        mint.token_id
        for row in facts.rows(NFT_COLLECTORS).values()
        for mint in row.mints.values()
        if mint.status == "minted"
    )
    tokens = facts.rows(NFT_TOKENS)
    if minted != Counter(tokens.keys()):
        yield f"minted are {dict(minted)}, tokens are {sorted(tokens)}"
    sold = Counter(event.data.listing_id for event in facts.of(NFTSold))
    yield from (f"listing {key} was sold {count} times" for key, count in sold.items() if count > 1)


def experience_is_gained_once(facts: Facts) -> Broken:
    """Check that a user's XP is the sum of what was gained, and that each achievement and reward came once."""
    gained: Counter[str] = Counter()
    for event in facts.of(XPGained):
        gained[event.partitionkey] += event.data.amount
    for user, row in facts.rows(GAMIFICATION_PROGRESS).items():
        if row.xp != gained[user]:
            yield f"{user} has {row.xp} XP, gained were {gained[user]}"
    unlocked = Counter((one.partitionkey, one.data.achievement, one.data.tier) for one in facts.of(AchievementUnlocked))
    granted = Counter((one.partitionkey, one.data.reward_id) for one in facts.of(RewardGranted))
    ended = Counter((one.partitionkey, one.data.reward_id) for one in facts.of(RewardClaimed))
    ended += Counter((one.partitionkey, one.data.reward_id) for one in facts.of(RewardExpired))
    for what, counts in (("unlocked", unlocked), ("granted", granted), ("claimed or expired", ended)):
        yield from (f"{key} was {what} {count} times" for key, count in counts.items() if count > 1)
    yield from (f"reward {key} ended and was never granted" for key in ended.keys() - granted.keys())


def practice_accounts_are_covered(facts: Facts) -> Broken:
    """Check that margins are those of the open trades, and no account is below 0 or above its daily limit."""
    margins: Counter[str] = Counter()
    trades = facts.rows(TRADING_TRADES)
    for key, row in facts.rows(TRADING_OPEN).items():
        margins[row.user_id] += trades[f"{row.user_id}|{key.partition('|')[2]}"].margin
    for user, account in facts.rows(TRADING_ACCOUNTS).items():
        if account.margin != margins[user]:
            yield f"{user} has margin {account.margin}, open trades have {margins[user]}"
        if account.available < 0 or account.opened_count > 20:
            yield f"{user} has {account.available} available, {account.opened_count} trades opened"


INVARIANTS: Final[tuple[Callable[[Facts], Broken], ...]] = (
    no_event_exists_twice,
    money_is_conserved,
    what_is_reserved_is_what_is_open,
    fees_are_those_that_accrued,
    a_withdrawal_is_paid_once,
    members_are_in_one_constellation,
    a_name_is_of_one_constellation,
    battles_end_and_their_prizes_are_whole,
    tokens_are_minted_and_sold_once,
    experience_is_gained_once,
    practice_accounts_are_covered,
)


def broken(stored: Stored, events: Iterable[AnyEvent]) -> list[str]:
    """Return a text for each breach, after the invariant's name."""
    facts = Facts(stored, events)
    return [f"{check.__name__}: {text}" for check in INVARIANTS for text in check(facts)]
