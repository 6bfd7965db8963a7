"""The oracle of gamification and user against the rules, by random facts of the other domains."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any, Final

import pytest

from tables.gamification import (
    GAMIFICATION_DEADLINES,
    GAMIFICATION_DECIDING,
    GAMIFICATION_HOURS,
    GAMIFICATION_OVERTAKINGS,
    GAMIFICATION_SEALING,
    GAMIFICATION_SEALS,
    GAMIFICATION_WATERMARK,
)
from tables.user import USER_NOTIFICATIONS, Notification
from tests.community.behaviour.life import Plan
from tests.community.behind import Place, entries_behind
from tests.community.careers import Careers
from tests.community.cluster_life import lived
from tests.community.cluster_run import play_entry, stored
from tests.community.compared.engine import differences, rules
from tests.community.compared.gamification import NOT_COMPARED
from tests.community.compared.user import notification
from tests.community.facts import DOMAINS, assert_facts_equal, assert_game_equal, play_facts
from tests.community.journal import TICK, Entry
from tests.community.oracle.times import DAY, HOUR, at
from tests.unit.agents.cluster import Cluster

START: Final = at("2026-03-20T00:00:00Z")
USERS: Final = ("ada", "bob", "carol", "dave", "eve", "fay")
MARKETS: Final = ("BTC", "ETH", "SOL")
BOOKKEEPING: Final = frozenset(
    {
        GAMIFICATION_DECIDING.name,
        GAMIFICATION_DEADLINES.name,
        GAMIFICATION_HOURS.name,
        GAMIFICATION_SEALING.name,
        GAMIFICATION_WATERMARK.name,
    }
) | frozenset(NOT_COMPARED)
"""Tables that the rules need and no user asks about, and sums over all users."""
KINDS: Final = ("like", "comment", "share", "endorse", "follow", "report")


class Facts:
    """A random history: facts of some users, with a tick now and then, and facts that come late."""

    LATE: Final = (0, 0, 0, 0, 0, HOUR, DAY, 3 * DAY, 9 * DAY)

    def __init__(self, seed: int, days: int, users: Sequence[str] = USERS, late: Sequence[int] = LATE) -> None:
        self.random = Random(seed)
        self.users, self.late = users, late
        self.now, self.end = START, START + days * DAY
        self.entries: list[Entry] = []
        self.trades: dict[tuple[str, str], int] = {}

    def all(self) -> list[Entry]:
        """Return the entries."""
        while self.now < self.end:
            self.now += self.random.choice((1, 60_000_000, HOUR, HOUR, 5 * HOUR, DAY))
            if self.random.random() < 0.4:
                self._add(TICK, "", {}, self.now)
            for _ in range(self.random.randint(0, 6)):
                self._fact(self.random.choice(self.users))
        return self.entries

    def _add(self, name: str, user: str, data: dict[str, Any], time: int) -> None:
        number = len(self.entries)
        event_id = f"{number:08x}-0000-7000-8000-000000000000"
        self.entries.append(Entry(number=number, at=time, name=name, user=user, id=event_id, data=data))

    def _fact(self, user: str) -> None:
        late = self.random.choice(self.late)
        name = self.random.choice(tuple(self.FACTS))
        name, data = self.FACTS[name](self, user, name)
        self._add(name, user, data, max(0, self.now - late))

    def _usd(self, most: int, least: int = 0) -> str:
        return f"{self.random.randint(least, most)}.{self.random.randint(0, 10**8 - 1):08d}"

    def _execution(self, user: str, name: str) -> tuple[str, dict[str, Any]]:
        trade = f"t{self.random.randint(0, 40)}"
        pnl = self.random.choice(("0", "0", self._usd(90), f"-{self._usd(90)}"))
        return name, {
            "trade_id": trade, "fill_id": f"f{len(self.entries)}", "venue": "venue", "mode": "live",
            "market": self.random.choice(MARKETS), "side": "buy", "price": "1", "size": "1", "fee_usd": "0",
            "notional_usd": self._usd(self.random.choice((90, 900, 20_000)), 1), "closed_pnl_usd": pnl,
            "closes": self.random.random() < 0.3,
        }  # fmt: skip

    def _settlement(self, user: str, name: str) -> tuple[str, dict[str, Any]]:
        data: dict[str, Any] = {
            "trade_id": f"p{len(self.entries)}", "market": "BTC", "side": "long", "mode": "practice",
            "notional_usd": "100", "entry_price": "1", "exit_price": "1", "pnl_usd": self.random.choice(("5", "-5")),
        }  # fmt: skip
        if self.random.random() < 0.5:
            return "TradeClosed", {**data, "profitable": data["pnl_usd"] == "5"}
        return "TradeLiquidated", {**data, "pnl_usd": "-5", "liquidation_price": "1", "margin_usd": "5"}

    def _interaction(self, user: str, name: str) -> tuple[str, dict[str, Any]]:
        return name, {"target": "ada", "kind": self.random.choice(KINDS)}

    def _rating(self, user: str, name: str) -> tuple[str, dict[str, Any]]:
        rating = self.random.randint(60_000_000, 80_000_000)
        return name, {"rating_ppm": rating, "before_ppm": 0, "endorsements": 1, "reports": 0}

    def _joining(self, user: str, name: str) -> tuple[str, dict[str, Any]]:
        role = self.random.choice(("owner", "member", "recruit"))
        return name, {"constellation_id": f"c-{self.random.randint(1, 3)}", "name": "Orion", "role": role}

    def _leaving(self, user: str, name: str) -> tuple[str, dict[str, Any]]:
        return name, {"constellation_id": "c-1", "reason": "left"}

    def _battle(self, user: str, name: str) -> tuple[str, dict[str, Any]]:
        won = self.random.choice((True, False, None))
        return name, {"battle_id": "b", "constellation_id": "c-1", "won": won, "prize_ss": self.random.randint(0, 500)}

    def _deposit(self, user: str, name: str) -> tuple[str, dict[str, Any]]:
        amount = self.random.choice(("999.99999999", "1000", self._usd(8_000, 1)))
        asset = self.random.choice(("USD", "USD", "STRK"))
        return name, {"asset": asset, "amount": amount, "provider": "bank", "reference": f"r{len(self.entries)}"}

    def _account(self, user: str, name: str) -> tuple[str, dict[str, Any]]:
        wallet = {"user_id": user, "chain_id": "SN_MAIN", "address": f"0x{self.random.randint(1, 3):064x}"}
        events: list[tuple[str, dict[str, Any]]] = [
            ("AccountRegistered", {"user_id": user, "role": "user", "username": user}),
            ("AccountSuspended", {"user_id": user}),
            ("AccountReinstated", {"user_id": user}),
            ("EmailVerified", {"user_id": user}),
            ("VerificationChanged", {"user_id": user, "tier": "identity", "before": "email"}),
            ("ProfileChanged", {"user_id": user, "private": True, "username": None}),
            ("RoleChanged", {"user_id": user, "role": "moderator", "before": "user"}),
            ("WalletLinked", wallet), ("WalletLinked", wallet), ("WalletUnlinked", wallet),
            ("LoggedOut", {"user_id": user}),
            *([("AccountClosed", {"user_id": user})] if user == "fay" and self.random.random() < 0.1 else ()),
        ]  # fmt: skip
        return self.random.choice(events)

    def _sign_in(self, user: str, name: str) -> tuple[str, dict[str, Any]]:
        return name, {"user_id": user}

    def _claim(self, user: str, name: str) -> tuple[str, dict[str, Any]]:
        week = self.random.choice(("week:2026-W12", "week:2026-W13", "week:2026-W14", "season:2026-Q1"))
        return name, {"reward_id": f"global:xp:{week}"}

    def _notification(self, user: str, name: str) -> tuple[str, dict[str, Any]]:
        kind = self.random.choice(("follow", "liquidation", "reward_granted"))
        return name, {"kind": kind, "text": kind, "arguments": {"n": str(len(self.entries))}, "cause_id": "x"}

    def _preferences(self, user: str, name: str) -> tuple[str, dict[str, Any]]:
        muted = self.random.sample(("follow", "liquidation", "reward_granted"), self.random.randint(0, 2))
        return name, {"language": self.random.choice(("en", "de")), "muted": muted}

    def _reading(self, user: str, name: str) -> tuple[str, dict[str, Any]]:
        return name, {}

    def _call(self, user: str, name: str) -> tuple[str, dict[str, Any]]:
        number = f"0x{1:064x}"
        signed = {"account": number, "nonce": number, "execute_after": 0, "execute_before": 9, "signature": [number]}
        call = {"to": number, "selector": number, "calldata": []}
        return name, {"call_id": self._call_id(), **signed, "calls": [call]}

    def _report_of_call(self, user: str, name: str) -> tuple[str, dict[str, Any]]:
        outcome = self.random.choice(({"outcome": "refused", "reason": "expired"}, {"outcome": "executed", "gas": 7}))
        return name, {"call_id": self._call_id(), "user_id": user, **outcome}

    def _call_id(self) -> str:
        """Return the id of a call; the report of some comes before their command."""
        return f"call-{self.random.randint(0, 60)}"

    FACTS: Final = {
        "TradeExecuted": _execution, "Settled": _settlement, "Interacted": _interaction, "SocialRatingChanged": _rating,
        "ConstellationJoined": _joining, "ConstellationLeft": _leaving, "BattleFought": _battle,
        "FundsDeposited": _deposit, "Account": _account, "LoggedIn": _sign_in, "ClaimReward": _claim,
        "Notified": _notification, "ChangePreferences": _preferences, "ReadNotifications": _reading,
        "SponsorCall": _call, "SponsoredCallReported": _report_of_call,
    }  # fmt: skip


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return lived(Plan(users=14, days=9, seed=3, activity=0.4)).cluster


def test_the_rows_of_a_lived_community_are_those_that_the_oracle_computes_from_its_facts(cluster: Cluster) -> None:
    assert_facts_equal(cluster)


def test_the_entries_behind_each_row_are_those_that_the_oracle_folded(cluster: Cluster) -> None:
    alone = assert_facts_equal(cluster)
    compared = 0
    for domain in alone.everyone():
        for place, entries in entries_behind(cluster, type(domain).__name__.lower()).items():
            key = oracle_key(cluster, place)
            if key is not None:
                assert domain.folded(place.table, key) == entries, place
                compared += 1
    assert compared > 500


def oracle_key(cluster: Cluster, place: Place) -> str | None:
    """Return the key under which the oracle knows a row, or None for a row that no question is asked about."""
    if place.table == USER_NOTIFICATIONS.name:
        stored = cluster.workers[place.partition]["user"].maps[place.table][place.key.encode()]
        [(key, _)] = notification(place.key, Notification.load(stored))
        return key
    if place.table == GAMIFICATION_SEALS.name:
        return f"{place.partition}/{place.key}"
    return None if place.table in BOOKKEEPING else place.key


def test_careers_give_the_rows_that_the_oracle_computes() -> None:
    _, alone = assert_game_equal(Careers(1).all(), partitions=2)
    assert alone.progress("ada")["prestige"] == "gold"
    assert alone.nft.types.count(("ada", "trading_master")) == 1


@pytest.mark.parametrize("seed", range(4))
def test_random_facts_give_the_rows_that_the_oracle_computes(seed: int) -> None:
    assert_game_equal(Facts(seed, days=24).all(), partitions=1 + seed)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.sample(2)
def test_first_places_and_rewards_are_right_after_each_division_of_the_partitions(seed: int) -> None:
    users = [f"user-{number}" for number in range(40)]
    entries = Facts(seed, 60, users).all()
    third = len(entries) // 3
    _, alone = assert_game_equal(entries, 1 + seed % 2, {third: 2 + 2 * (seed % 2), 2 * third: 12})
    assert len(alone.gamification.first.told) > 10


def test_a_board_that_some_partitions_have_sealed_is_sealed_by_the_others_after_the_division() -> None:
    """Facts from two days ahead make their partitions seal before the others do.

    Overtakings are not compared: a user whose newest standings are of a week ahead has no place in the present one.
    """
    entries = Facts(1, 30, late=(*Facts.LATE, -2 * DAY)).all()
    numbers = between_seals(entries)
    for number in (numbers[0], numbers[len(numbers) // 2]):
        cluster, alone = play_facts(entries, 4, {number: 8})
        found = differences(stored(cluster), alone.rows(), rules("gamification"))
        assert [one.text() for one in found if one.table != GAMIFICATION_OVERTAKINGS.name] == []


def between_seals(entries: Iterable[Entry]) -> list[int]:
    """Return the numbers of entries before which a rewarded board waits for the seals of some partitions."""
    cluster, found = Cluster(4), []
    cluster.workers = [{name: workers[name] for name in DOMAINS} for workers in cluster.workers]
    for entry in entries:
        play_entry(cluster, entry)
        if any(row.waiting for row in cluster.rows(GAMIFICATION_DECIDING).values()):
            found.append(entry.number + 1)
    return found
