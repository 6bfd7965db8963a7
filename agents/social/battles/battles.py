"""Battles, from challenge to sealed result, in the partition of the battle. It asks; the other partitions answer."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from agents.deadlines import Deadlines
from agents.dispatch import Rules
from agents.social.battles.policy import BattlePolicy
from agents.social.battles.results import completed, rescored
from agents.social.refusals import rejected
from streams.events import AnyEvent, Event
from streams.events.battle_steps import (
    BattleEntered,
    BattleProposed,
    BattleQueried,
    ChallengeAnswered,
    ChallengeWithdrawn,
    EngagementAnswered,
    EngagementConfirmed,
    EngagementEnded,
    EngagementQueried,
    EngagementRequested,
    EntryQueried,
    Outcome,
    PointsReported,
    SideFixed,
    SideRequested,
)
from streams.events.battles import (
    AcceptBattle,
    BattleChallenged,
    BattleScoreChanged,
    BattleStarted,
    ChallengeBattle,
    DeclineBattle,
    WithdrawChallenge,
)
from streams.events.clock import Ticked
from streams.times import HOUR_US, Instant
from streams.units import Usd
from tables.social_constellations import (
    OPEN_STATES,
    SOCIAL_BATTLE_POINTS,
    SOCIAL_BATTLES,
    Battle,
    BattlePoints,
    BattleSide,
    DeadlineKind,
    Side,
    member_key,
)
from tables.unit_of_work import UnitOfWork


class Battles:
    """The battles of a partition."""

    def __init__(self, tables: UnitOfWork, policy: BattlePolicy, deadlines: Deadlines[DeadlineKind]) -> None:
        self._policy = policy
        self._deadlines = deadlines
        self.rows = tables.rows(SOCIAL_BATTLES)
        self.points = tables.rows(SOCIAL_BATTLE_POINTS)
        deadlines.on(
            {
                "answer": self._unanswered,
                "challenge": self._expired,
                "side": self._unfixed,
                "score": self._announce,
                "closing": self._unclosed,
            }
        )

    def rules(self) -> Rules:
        """Return the rules of what constellations and members say."""
        return {
            BattleProposed: self._proposed,
            BattleQueried: self._queried,
            EngagementAnswered: self._engaged,
            ChallengeAnswered: self._answered,
            ChallengeWithdrawn: self._withdrawn,
            SideFixed: self._fixed,
            PointsReported: self._reported,
        }

    # --- the challenge ------------------------------------------------------------------------------------------------

    def _proposed(self, event: Event[BattleProposed]) -> list[AnyEvent]:
        """Ask the defender. An id that was ever used is refused."""
        wanted, battle_id = event.data, event.partitionkey
        if self.rows.get(battle_id) is not None:
            taken = rejected(event, ChallengeBattle, "battle_exists", battle_id, user_id=wanted.user_id)
            return [taken, _released(event, battle_id, wanted.challenger, "refused")]
        battle = Battle(
            state="proposed",
            kind=wanted.kind,
            hours=wanted.hours,
            user_id=wanted.user_id,
            challenger=Side(constellation_id=wanted.challenger),
            defender=Side(constellation_id=wanted.defender),
            proposed_at=int(event.time),
        )
        self.rows.put(battle_id, battle)
        self._deadlines.add("answer", battle_id, event.time + self._policy.answer_us)
        request = EngagementRequested(
            battle_id=battle_id,
            challenger=wanted.challenger,
            challenger_name=wanted.challenger_name,
            rating=wanted.rating,
        )
        return [event.then(request, key=wanted.defender)]

    def _unanswered(self, subject: str, tick: Event[Ticked]) -> list[AnyEvent]:
        battle = self._in_state(subject, "proposed")
        if battle is None:
            return []
        self._deadlines.add("answer", subject, tick.time + self._policy.answer_us)
        query = EngagementQueried(battle_id=subject)
        return [tick.then(query, name=subject, key=battle.defender.constellation_id)]

    def _engaged(self, event: Event[EngagementAnswered]) -> list[AnyEvent]:
        battle_id, refusal = event.partitionkey, event.data.refusal
        battle = self.rows.get(battle_id)
        if battle is None or battle.state != "proposed":
            over = refusal is None and (battle is None or battle.state not in OPEN_STATES)
            return [_released(event, battle_id, event.data.constellation_id, "expired")] if over else []
        challenger = battle.challenger.constellation_id
        if refusal is not None:
            self.rows.put(battle_id, replace(battle, state="refused", completed_at=int(event.time)))
            told = rejected(event, ChallengeBattle, refusal, battle_id, user_id=battle.user_id)
            return [told, _released(event, battle_id, challenger, "refused")]
        expires_at = event.time + self._policy.challenge_us
        self.rows.put(battle_id, replace(battle, state="challenged", expires_at=expires_at))
        self._deadlines.add("challenge", battle_id, expires_at)
        challenged = BattleChallenged(
            challenger=challenger, defender=battle.defender.constellation_id, kind=battle.kind, hours=battle.hours
        )
        return [event.then(challenged), event.then(EngagementConfirmed(battle_id=battle_id), key=challenger)]

    def _queried(self, event: Event[BattleQueried]) -> list[AnyEvent]:
        """Answer a constellation that waits. An unknown battle will not begin: its id is used up."""
        battle_id, constellation_id = event.partitionkey, event.data.constellation_id
        battle = self.rows.get(battle_id)
        if battle is not None and battle.state in OPEN_STATES:
            return [event.then(EngagementConfirmed(battle_id=battle_id), key=constellation_id)]
        if battle is None:
            self.rows.put(battle_id, _never_proposed(constellation_id, int(event.time)))
        return [_released(event, battle_id, constellation_id, "expired")]

    def _answered(self, event: Event[ChallengeAnswered]) -> list[AnyEvent]:
        """Decline, or begin to start: the defender's side is fixed, and the challenger is asked for its own."""
        answer, battle_id = event.data, event.partitionkey
        battle = self._in_state(battle_id, "challenged")
        if battle is None or event.time >= battle.expires_at:
            command = AcceptBattle if answer.accepted else DeclineBattle
            if not answer.user_id:
                return []
            return [rejected(event, command, "no_such_challenge", battle_id, user_id=answer.user_id)]
        if not answer.accepted:
            return self._call_off(event, battle_id, battle, "declined")
        starting = replace(battle, state="starting")
        self.rows.put(battle_id, self._fix(battle_id, starting, "defender", answer.members))
        self._deadlines.add("side", battle_id, event.time + self._policy.answer_us)
        return [event.then(SideRequested(battle_id=battle_id), key=battle.challenger.constellation_id)]

    def _withdrawn(self, event: Event[ChallengeWithdrawn]) -> list[AnyEvent]:
        """Call a challenge off for its challenger, unless the defender has answered it."""
        battle, battle_id = self._in_state(event.partitionkey, "challenged"), event.partitionkey
        if battle is None:
            user_id = event.data.user_id
            return [rejected(event, WithdrawChallenge, "no_such_challenge", battle_id, user_id=user_id)]
        return self._call_off(event, battle_id, battle, "withdrawn")

    def _expired(self, subject: str, tick: Event[Ticked]) -> list[AnyEvent]:
        battle = self._in_state(subject, "challenged")
        return [] if battle is None else self._call_off(tick, subject, battle, "expired")

    def _call_off(self, event: AnyEvent, battle_id: str, battle: Battle, outcome: Any) -> list[AnyEvent]:
        self.rows.put(battle_id, replace(battle, state=outcome, completed_at=int(event.time)))
        return [
            _released(event, battle_id, side.constellation_id, outcome) for side in (battle.challenger, battle.defender)
        ]

    # --- the start ----------------------------------------------------------------------------------------------------

    def _unfixed(self, subject: str, tick: Event[Ticked]) -> list[AnyEvent]:
        battle = self._in_state(subject, "starting")
        if battle is None:
            return []
        self._deadlines.add("side", subject, tick.time + self._policy.answer_us)
        request = SideRequested(battle_id=subject)
        return [tick.then(request, name=subject, key=battle.challenger.constellation_id)]

    def _fixed(self, event: Event[SideFixed]) -> list[AnyEvent]:
        """Start: both sides are fixed. A user whom both sides name fights for the defender."""
        battle_id = event.partitionkey
        battle = self._in_state(battle_id, "starting")
        if battle is None:
            return []
        defenders = self._members(battle_id, "defender")
        challengers = tuple(one for one in event.data.members if one not in set(defenders))
        starts_at = Instant(event.time + self._policy.start_delay_us)
        ends_at = Instant(starts_at + battle.hours * HOUR_US)
        running = self._fix(battle_id, replace(battle, state="running"), "challenger", challengers)
        self.rows.put(battle_id, replace(running, starts_at=int(starts_at), ends_at=int(ends_at)))
        self._deadlines.add("closing", battle_id, ends_at + self._policy.close_grace_us + self._policy.answer_us)
        first, second = battle.challenger.constellation_id, battle.defender.constellation_id
        started = BattleStarted(
            challenger=first,
            defender=second,
            kind=battle.kind,
            starts_at=starts_at,
            ends_at=ends_at,
            challengers=challengers,
            defenders=defenders,
        )
        entered = [
            _entered(event, one, side, opponent, starts_at=starts_at, ends_at=ends_at)
            for members, side, opponent in ((challengers, first, second), (defenders, second, first))
            for one in members
        ]
        return [event.then(started), *entered]

    def _fix(self, battle_id: str, battle: Battle, side: BattleSide, members: tuple[str, ...]) -> Battle:
        """Write a row for each member of a side, and count them."""
        for user_id in members:
            self.points.put(member_key(battle_id, user_id), BattlePoints(side=side))
        counted = replace(battle.challenger if side == "challenger" else battle.defender, members=len(members))
        return replace(battle, **{side: counted})

    def _members(self, battle_id: str, side: BattleSide) -> tuple[str, ...]:
        listed = self.points.prefix(member_key(battle_id, ""))
        return tuple(key.removeprefix(member_key(battle_id, "")) for key, row in listed if row.side == side)

    # --- points and the end -------------------------------------------------------------------------------------------

    def _reported(self, event: Event[PointsReported]) -> list[AnyEvent]:
        """Count the points of a member in place of those before. The last final points complete the battle."""
        report, battle_id = event.data, event.partitionkey
        battle, key = self._in_state(battle_id, "running"), member_key(battle_id, event.data.user_id)
        before = self.points.get(key)
        if battle is None or before is None or before.final:
            return []
        after = BattlePoints(
            side=before.side,
            pnl=int(report.pnl_usd),
            closes=report.closes,
            wins=report.wins,
            trades=report.trades,
            final=report.final,
        )
        self.points.put(key, after)
        counted = rescored(battle, before, after, self._policy.score)
        if counted.challenger.closed == counted.challenger.members and counted.defender.closed == (
            counted.defender.members
        ):
            return self._complete(event, counted)
        self.rows.put(battle_id, counted)
        if _scores(battle) == battle.announced != _scores(counted):
            self._deadlines.add("score", battle_id, event.time + self._policy.report_us)
        return []

    def _complete(self, event: AnyEvent, battle: Battle) -> list[AnyEvent]:
        battle_id = event.partitionkey
        start = member_key(battle_id, "")
        listed = {key.removeprefix(start): row for key, row in self.points.prefix(start)}
        result = completed(event, battle, listed, self._policy)
        self.rows.put(battle_id, result.battle)
        for user_id, prize in result.prizes.items():
            self.points.put(member_key(battle_id, user_id), replace(listed[user_id], prize=prize))
        return result.effects

    def _announce(self, subject: str, tick: Event[Ticked]) -> list[AnyEvent]:
        """Say the scores of a running battle if they moved."""
        battle = self._in_state(subject, "running")
        if battle is None or battle.announced == _scores(battle):
            return []
        first, second = _scores(battle)
        self.rows.put(subject, replace(battle, announced=(first, second)))
        moved = BattleScoreChanged(challenger_score=Usd(first), defender_score=Usd(second))
        return [tick.then(moved, name=subject, key=subject)]

    def _unclosed(self, subject: str, tick: Event[Ticked]) -> list[AnyEvent]:
        """Ask the members who have not closed their entries, and ask again later."""
        battle = self._in_state(subject, "running")
        if battle is None:
            return []
        self._deadlines.add("closing", subject, tick.time + self._policy.answer_us)
        start = member_key(subject, "")
        missing = [key.removeprefix(start) for key, row in self.points.prefix(start) if not row.final]
        return [tick.then(EntryQueried(battle_id=subject), name=f"{subject}|{one}", key=one) for one in missing]

    def _in_state(self, battle_id: str, state: str) -> Battle | None:
        battle = self.rows.get(battle_id)
        return battle if battle is not None and battle.state == state else None


def _scores(battle: Battle) -> tuple[int, ...]:
    return battle.challenger.score, battle.defender.score


def _entered(
    event: AnyEvent, user_id: str, constellation_id: str, opponent: str, *, starts_at: Instant, ends_at: Instant
) -> AnyEvent:
    entered = BattleEntered(
        battle_id=event.partitionkey,
        constellation_id=constellation_id,
        opponent=opponent,
        starts_at=starts_at,
        ends_at=ends_at,
    )
    return event.then(entered, name=user_id, key=user_id)


def _released(event: AnyEvent, battle_id: str, constellation_id: str, outcome: Outcome) -> AnyEvent:
    ended = EngagementEnded(battle_id=battle_id, outcome=outcome)
    return event.then(ended, name=f"{battle_id}|{constellation_id}", key=constellation_id)


def _never_proposed(constellation_id: str, at: int) -> Battle:
    """Return the row of an id whose battle was given up, so that a late proposal cannot use it."""
    return Battle(
        state="expired",
        kind="trading_duel",
        hours=0,
        user_id="",
        challenger=Side(constellation_id=constellation_id),
        defender=Side(constellation_id=""),
        proposed_at=at,
        completed_at=at,
    )
