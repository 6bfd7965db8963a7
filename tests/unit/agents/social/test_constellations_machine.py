"""Random commands of many users over four partitions: memberships, names, caps and battles stay consistent.

Domains and partitions advance in a random order. Some steps are lost, as dead letters are, and may be replayed later.
"""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from streams.events import AnyEvent, EventData
from streams.events.battle_steps import (
    BattleProposed,
    ChallengeAnswered,
    EngagementAnswered,
    EngagementRequested,
    PointsReported,
    SideFixed,
    SideRequested,
)
from streams.events.battles import AcceptBattle, BattleCompleted, ChallengeBattle, DeclineBattle
from streams.events.constellation_steps import (
    MembershipGranted,
    MembershipRefused,
    MembershipRequested,
    NameClaimed,
    NameClaimRequested,
)
from streams.events.constellations import (
    ChangeMemberRole,
    CreateConstellation,
    DissolveConstellation,
    JoinConstellation,
    LeaveConstellation,
    RemoveMember,
)
from streams.events.user import AccountClosed
from streams.times import HOUR_US, MINUTE_US, Instant
from tables.social_constellations import (
    OPEN_STATES,
    SOCIAL_BATTLE_ENTRIES,
    SOCIAL_BATTLE_POINTS,
    SOCIAL_BATTLES,
    SOCIAL_CONSTELLATIONS,
    SOCIAL_MEMBERSHIPS,
    SOCIAL_NAMES,
    SOCIAL_RATINGS,
    SOCIAL_ROSTERS,
    Constellation,
    name_key,
)
from tests.unit.agents.cluster import Cluster, of_type
from tests.unit.agents.rulebooks import rulebook_with
from tests.unit.agents.social.clans import NOON, contribute, trade

USERS = ("ada", "bob", "cyd", "dan", "eve", "fay", "gus", "hal")
NAMES = ("Lights", "LIGHTS", "Shades", "Storms")
LOST: tuple[type[EventData], ...] = (
    MembershipRequested,
    MembershipGranted,
    MembershipRefused,
    NameClaimRequested,
    NameClaimed,
    BattleProposed,
    EngagementRequested,
    EngagementAnswered,
    ChallengeAnswered,
    SideRequested,
    SideFixed,
    PointsReported,
)
POOL = 1000
CAP = 5

user = st.sampled_from(USERS)


class Leaky(Cluster):
    """A cluster that sets aside some steps of the classes that may be lost."""

    def __init__(self, random: Random) -> None:
        self.share = 0
        self.aside: list[AnyEvent] = []
        rules = {"social": {"constellations": {"level_ss": 10, "level_members": 1}}}
        super().__init__(rulebook=rulebook_with(rules), random=random)

    def _append(self, event: AnyEvent, partition: int, topic: str = "") -> None:
        assert self.random is not None
        if isinstance(event.data, LOST) and self.random.randrange(100) < self.share:
            self.aside.append(event)
        else:
            super()._append(event, partition, topic)


class Constellations(RuleBasedStateMachine):
    """Users act; after each step the caps hold, and in the end all is settled."""

    def __init__(self) -> None:
        super().__init__()
        self.cluster = Leaky(Random(0))
        self.now = NOON
        self.made = 0
        self.constellations: list[str] = []
        self.battles: list[str] = []

    def _do(self, data: Any, key: str) -> None:
        self.now = Instant(self.now + MINUTE_US // 60)
        self.cluster.send(data, key, self.now)

    def _standing(self) -> list[str]:
        rows = self.cluster.rows(SOCIAL_CONSTELLATIONS)
        return sorted(key for key, row in rows.items() if not row.dissolved_at)

    def _owner(self, constellation_id: str) -> str:
        row = self.cluster.row(SOCIAL_CONSTELLATIONS, constellation_id)
        return "zoe" if row is None else row.owner

    def _some(self, ids: list[str], number: int) -> str:
        return ids[number % len(ids)] if ids else "nothing"

    @initialize()
    def begin(self) -> None:
        for owner, name in (("ada", "Lights"), ("eve", "Storms"), ("hal", "Shades")):
            self.found(owner, name, again=False)
        for user, number in (("bob", 0), ("cyd", 1), ("fay", 2)):
            self.join(user, number)

    @rule(seed=st.integers(0, 10_000))
    def reorder(self, seed: int) -> None:
        self.cluster.random = Random(seed)

    @rule(share=st.sampled_from([0, 0, 0, 30]))
    def lose(self, share: int) -> None:
        self.cluster.share = share

    @rule()
    def replay(self) -> None:
        self.cluster.share, aside, self.cluster.aside = 0, self.cluster.aside, []
        for event in aside:
            self.cluster.repeat(event)

    @rule(user=user, name=st.sampled_from(NAMES), again=st.booleans())
    def found(self, user: str, name: str, *, again: bool) -> None:
        self.made += not again
        constellation_id = f"c-{self.made}"
        self.constellations.append(constellation_id)
        self._do(CreateConstellation(constellation_id=constellation_id, name=name, members_max=CAP), user)

    @rule(user=user, number=st.integers(0, 20))
    def join(self, user: str, number: int) -> None:
        self._do(JoinConstellation(constellation_id=self._some(self._standing(), number)), user)

    @rule(user=user)
    def leave(self, user: str) -> None:
        self._do(LeaveConstellation(), user)

    @rule(user=user)
    def close(self, user: str) -> None:
        self._do(AccountClosed(user_id=user), user)

    @rule(number=st.integers(0, 20))
    def dissolve(self, number: int) -> None:
        self._do(DissolveConstellation(), self._owner(self._some(self._standing(), number)))

    @rule(number=st.integers(0, 20), member=user, ban=st.sampled_from([False, False, True]))
    def remove(self, number: int, member: str, *, ban: bool) -> None:
        self._do(RemoveMember(member=member, ban=ban), self._owner(self._some(self._standing(), number)))

    @rule(number=st.integers(0, 20), member=user)
    def promote(self, number: int, member: str) -> None:
        self._do(ChangeMemberRole(member=member, role="admin"), self._owner(self._some(self._standing(), number)))

    @rule(user=user, number=st.integers(0, 20), amount=st.integers(1, 30))
    def contribute(self, user: str, number: int, amount: int) -> None:
        contribute(self.cluster, user, self._some(self.constellations, number), amount)

    @rule(user=user)
    def act_without_right(self, user: str) -> None:
        for command in (DissolveConstellation(), AcceptBattle(battle_id="b-0"), RemoveMember(member="ada")):
            if user not in {self._owner(one) for one in self._standing()}:
                self._do(command, user)

    @rule(first=st.integers(0, 20), second=st.integers(0, 20))
    def challenge(self, first: int, second: int) -> None:
        """Let two owners agree on a battle up to its answer."""
        self.battles.append(f"b-{len(self.battles)}")
        ours, theirs = self._some(self._standing(), first), self._some(self._standing(), second)
        wanted = ChallengeBattle(battle_id=self.battles[-1], opponent=theirs, kind="cosmic_conquest", hours=1)
        self._do(wanted, self._owner(ours))

    @rule(accept=st.sampled_from([True, True, True, False]))
    def answer(self, *, accept: bool) -> None:
        answer = AcceptBattle if accept else DeclineBattle
        for battle_id, row in self.cluster.rows(SOCIAL_BATTLES).items():
            if row.state == "challenged":
                self._do(answer(battle_id=battle_id), self._owner(row.defender.constellation_id))

    @rule(user=user, trade_id=st.sampled_from("xyz"), pnl=st.integers(-50, 90), closes=st.booleans())
    def trade(self, user: str, trade_id: str, pnl: int, *, closes: bool) -> None:
        self.now = Instant(self.now + MINUTE_US)
        trade(self.cluster, user, trade_id, f"{pnl}.00", self.now, closes=closes)

    @rule(minutes=st.sampled_from([1, 5, 70]))
    def tick(self, minutes: int) -> None:
        self.now = Instant(self.now + minutes * MINUTE_US)
        self.cluster.tick(self.now)

    # --- what always holds --------------------------------------------------------------------------------------------

    @invariant()
    def no_cap_is_exceeded(self) -> None:
        rosters = self.cluster.rows(SOCIAL_ROSTERS)
        for constellation_id, row in self.cluster.rows(SOCIAL_CONSTELLATIONS).items():
            members = rosters[constellation_id].members if constellation_id in rosters else ()
            assert len(members) == row.members <= max(row.members_max, 0)
            assert len({member.user_id for member in members}) == len(members)
            assert sum(member.role == "owner" for member in members) == (not row.dissolved_at)

    @invariant()
    def a_finished_battle_is_exact(self) -> None:
        points = self.cluster.rows(SOCIAL_BATTLE_POINTS)
        for battle_id, row in self.cluster.rows(SOCIAL_BATTLES).items():
            own = [one for key, one in points.items() if key.startswith(f"{battle_id}|")]
            for side, name in ((row.challenger, "challenger"), (row.defender, "defender")):
                members = [one for one in own if one.side == name]
                assert side.pnl == sum(one.pnl for one in members)
                assert side.trades == sum(one.trades for one in members)
                assert side.prize == sum(one.prize for one in members)
            assert row.challenger.prize + row.defender.prize in {0, POOL, POOL * 4 // 5, POOL // 2, POOL // 5}

    # --- once it is quiet ---------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        """Lose nothing more, replay what was set aside, let all deadlines pass, and compare the partitions."""
        self.replay()
        for _ in range(12):
            self.now = Instant(self.now + 5 * HOUR_US)
            self.cluster.tick(self.now)
        standing = {key: row for key, row in self.cluster.rows(SOCIAL_CONSTELLATIONS).items() if not row.dissolved_at}
        self._slots_and_rosters_agree(standing)
        self._names_and_ratings_are_those_of_the_constellations(standing)
        self._no_battle_is_open(standing)

    def _slots_and_rosters_agree(self, standing: dict[str, Constellation]) -> None:
        rosters = self.cluster.rows(SOCIAL_ROSTERS)
        listed = {(member.user_id, key, member.role) for key, roster in rosters.items() for member in roster.members}
        slots = self.cluster.rows(SOCIAL_MEMBERSHIPS)
        assert {slot.state for slot in slots.values()} <= {"member"}
        assert listed == {(user, slot.constellation_id, slot.role) for user, slot in slots.items()}
        assert len({user for user, _, _ in listed}) == len(listed)
        assert {(row.owner, key) for key, row in standing.items()} == {
            (user, key) for user, key, role in listed if role == "owner"
        }

    def _names_and_ratings_are_those_of_the_constellations(self, standing: dict[str, Constellation]) -> None:
        claims = {name: claim.constellation_id for name, claim in self.cluster.rows(SOCIAL_NAMES).items()}
        assert claims == {name_key(row.name): key for key, row in standing.items()}
        ranked = {
            key.decode().partition("|")[2]
            for workers in self.cluster.workers
            for key in workers["social"].maps[SOCIAL_RATINGS.name]
        }
        assert ranked == standing.keys()

    def _no_battle_is_open(self, standing: dict[str, Constellation]) -> None:
        battles = self.cluster.rows(SOCIAL_BATTLES)
        assert not {row.state for row in battles.values()} & OPEN_STATES
        assert all(row.engagement is None for row in standing.values())
        assert self.cluster.rows(SOCIAL_BATTLE_ENTRIES) == {}
        completed = of_type(self.cluster.events, BattleCompleted)
        assert len(completed) == sum(row.state == "completed" for row in battles.values())
        assert {sum(one.prizes.values()) for one in completed} <= {0, POOL, POOL * 4 // 5, POOL // 2, POOL // 5}


Constellations.TestCase.settings = settings(
    max_examples=8, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
test_constellations_stay_consistent = Constellations.TestCase
