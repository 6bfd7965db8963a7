"""What always holds of play, over random commands of many users and any order of delivery.

XP, achievements, grants and claims come once, a claim pays once, boards are sealed once as they stand, the first places
are rewarded, and streaks are runs of days.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from random import Random

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from streams.events import AnyEvent, EventData
from streams.events.constellations import ConstellationJoined, ContributeShards, CreateConstellation, JoinConstellation
from streams.events.financial import ReportDeposit, deposit_key
from streams.events.gamification import ClaimReward, RewardGranted, StreakKind
from streams.events.social import Interact, Interacted
from streams.events.trading import TradeExecuted
from streams.events.user import AccountRegistered, LoggedIn
from streams.times import DAY_US, HOUR_US, MINUTE_US, Instant
from tables.financial import FINANCIAL_LEDGER
from tables.gamification import GAMIFICATION_BOARDS, GAMIFICATION_PROGRESS
from tests.community.cluster_run import stored
from tests.community.invariants import game, money
from tests.community.invariants.facts import Broken, Facts, no_event_exists_twice
from tests.unit.agents.cluster import Cluster
from tests.unit.agents.rulebooks import rulebook_with
from tests.unit.agents.world import fill_of

USERS = ["ada", "bob", "carol", "dave"]
RULES = rulebook_with(
    {"gamification": {"boards": {"seal_rows_max": 20}, "rewards": {"claim_days": 3, "notice_days": 1}}}
)
"""Few rows a tick, so that sealing takes several, and a short time to claim."""
START = Instant.parse("2026-03-29T12:00:00Z")
"""Half a day before the end of a week, three days before that of a season."""
TABLES = (GAMIFICATION_PROGRESS, GAMIFICATION_BOARDS, FINANCIAL_LEDGER)

users, numbers = st.sampled_from(USERS), st.integers(0, 1_000)
trades = st.sampled_from(["t-1", "t-2", "t-3"])
amounts = st.sampled_from(["50", "1500", "12000"])
pnls = st.sampled_from([["0"], ["40"], ["-40"], ["40", "-40", "40"]])
"""What each fill of a trade closes. The last one wins, loses again, and wins for the second time."""


class Play(RuleBasedStateMachine):
    """Fills, deposits, sign-ins, interactions, claims and ticks, handled in any order of domains and partitions."""

    @initialize(seed=st.integers(0, 1_000), sealed=st.booleans())
    def begin(self, seed: int, sealed: bool) -> None:
        """Begin before the first week is sealed, or when its rewards have been granted."""
        self.cluster = Cluster(3, RULES, random=Random(seed))
        self.now, self.made = START, 0
        self.commands: list[AnyEvent] = []
        for user in USERS:
            self.cluster.post(AccountRegistered(user_id=user, role="user"), user, START)
        self.cluster.post(CreateConstellation(constellation_id="north", name="The North"), "ada", START)
        self.cluster.run()
        self.cluster.post(JoinConstellation(constellation_id="north"), "bob", START)
        for user in USERS:
            self.trade(user, "t-0", "1500", ["0"])
        if sealed:
            self.wait(36, 10)
        self.cluster.run()

    @rule(hours=st.sampled_from([10, 24, 36, 60]), ticks=st.integers(0, 4))
    def wait(self, hours: int, ticks: int) -> None:
        self.now = Instant(self.now + hours * HOUR_US)
        self.tick(ticks)

    @rule(user=users, trade_id=trades, usd=amounts, pnls=pnls, hours_behind=st.sampled_from([0, 0, 0, 20, 60]))
    def trade(self, user: str, trade_id: str, usd: str, pnls: list[str], *, hours_behind: int = 0) -> None:
        for pnl in pnls:
            data = fill_of(self.name(), user, trade_id=trade_id, notional_usd=usd, closed_pnl_usd=pnl)
            self.send(data, user, hours_behind)

    @rule(user=users, usd=st.sampled_from(["999", "1000", "7000"]))
    def deposit(self, user: str, usd: str) -> None:
        fields = {"user_id": user, "asset": "USD", "amount": usd, "provider": "bank", "reference": self.name()}
        self.send(ReportDeposit.of(fields), deposit_key("bank", fields["reference"]))

    @rule(user=users)
    def sign_in(self, user: str) -> None:
        self.cluster.post(LoggedIn(user_id=user), user, self.now)

    @rule(actor=users, other=users)
    def like(self, actor: str, other: str) -> None:
        self.send(Interact(target=other, kind="like"), actor)

    @rule(user=st.sampled_from(["ada", "bob"]), amount=st.sampled_from([1, 30]))
    def contribute(self, user: str, amount: int) -> None:
        self.send(ContributeShards(amount=amount), user)

    @precondition(lambda self: self.granted())
    @rule(number=numbers, other=st.sampled_from([None, None, None, *USERS]), hours_ahead=st.sampled_from([0, 0, 80]))
    def claim(self, number: int, other: str | None, hours_ahead: int) -> None:
        """Claim a reward that was granted once: in time or too late, one's own or another's, twice."""
        granted = self.granted()
        event = granted[number % len(granted)]
        for _ in range(2):
            self.send(ClaimReward(reward_id=event.data.reward_id), other or event.partitionkey, -hours_ahead)  # type: ignore[attr-defined]

    @precondition(lambda self: self.commands)
    @rule(number=numbers)
    def report_again(self, number: int) -> None:
        """Report a fill or a deposit again, as venues and providers do."""
        event = self.commands[-1 - number % len(self.commands)]
        if isinstance(event.data, ReportDeposit):
            self.cluster.post(event.data, event.partitionkey, self.now)
        elif not isinstance(event.data, Interact | ContributeShards | ClaimReward):
            self.cluster.post(event.data, event.partitionkey, event.time, event.id)

    @rule(steps=st.integers(0, 20))
    def handle_some(self, steps: int) -> None:
        for _ in range(steps):
            self.cluster.step()

    @rule(ticks=st.integers(0, 4))
    def handle_all(self, ticks: int) -> None:
        self.tick(ticks)
        self.cluster.run()
        self.check(
            money.money_is_conserved,
            game.shards_are_emitted_once,
            game.boards_are_sealed_once_as_they_stand,
            game.rewards_go_to_the_first_places,
        )
        self.check_streaks()
        assert self.cluster.replayed("gamification") == self.cluster.stored("gamification")

    def teardown(self) -> None:
        if hasattr(self, "cluster"):
            self.handle_all(8)

    @invariant()
    def experience_and_rewards_come_once(self) -> None:
        if hasattr(self, "cluster"):
            self.check(no_event_exists_twice, game.experience_is_gained_once, game.rewards_are_granted_and_paid_once)

    def check(self, *checks: Callable[[Facts], Broken]) -> None:
        facts = Facts(stored(self.cluster, *TABLES), self.cluster.events)
        broken = [text for check in checks for text in check(facts)]
        assert not broken, broken

    def tick(self, count: int) -> None:
        """Tick every minute. A clock never ticks the same time twice."""
        for _ in range(count):
            self.now = Instant(self.now + MINUTE_US)
            self.cluster.post_tick(self.now)

    def check_streaks(self) -> None:
        """Fold the active days of each user anew, in the order of their handling."""
        days: dict[tuple[str, StreakKind], list[int]] = defaultdict(list)
        for event in self.cluster.events:
            if (kind := kind_of(event.data)) is not None:
                days[event.partitionkey, kind].append(event.time // DAY_US)
        found = {
            (user, kind): (streak.days, streak.best, streak.last_day)
            for user, row in self.cluster.rows(GAMIFICATION_PROGRESS).items()
            for kind, streak in row.streaks.items()
        }
        assert found == {key: streak_of(active) for key, active in days.items()}

    def granted(self) -> list[AnyEvent]:
        return [event for event in self.cluster.events if isinstance(event.data, RewardGranted)]

    def name(self) -> str:
        self.made += 1
        return f"n-{self.made}"

    def send(self, data: EventData, key: str, hours_behind: int = 0) -> None:
        self.commands.append(self.cluster.post(data, key, Instant(self.now - hours_behind * HOUR_US)))


def kind_of(data: EventData) -> StreakKind | None:
    """Return the streak that an event continues."""
    match data:
        case TradeExecuted():
            return "trading"
        case LoggedIn():
            return "login"
        case Interacted() | ConstellationJoined():
            return "social"
    return None


def streak_of(days: list[int]) -> tuple[int, int, int]:
    """Return the length of the newest run of days and of the longest, and the newest day, in the order of handling."""
    runs = [[days[0]]]
    for day in days:
        if day == runs[-1][-1] + 1:
            runs[-1].append(day)
        elif day > runs[-1][-1]:
            runs.append([day])
    return len(runs[-1]), max(map(len, runs)), runs[-1][-1]


TestPlay = Play.TestCase
TestPlay.settings = settings(max_examples=20, stateful_step_count=30, deadline=None)
