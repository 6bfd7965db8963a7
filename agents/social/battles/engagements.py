"""Engagements: a constellation is in one battle or open challenge at most. Its own partition keeps this."""

from __future__ import annotations

from typing import Any, Final

from msgspec.structs import replace

from agents.deadlines import Deadlines
from agents.dispatch import Rules
from agents.notices import notice
from agents.social.battles.policy import BattlePolicy
from agents.social.constellations.registry import Registry
from agents.social.refusals import rejected
from streams.events import AnyEvent, Event
from streams.events.battle_steps import (
    AnswerRequested,
    BattleProposed,
    BattleQueried,
    ChallengeAnswered,
    ChallengeRequested,
    ChallengeWithdrawalRequested,
    ChallengeWithdrawn,
    EngagementAnswered,
    EngagementConfirmed,
    EngagementEnded,
    EngagementQueried,
    EngagementRequested,
    SideFixed,
    SideRequested,
)
from streams.events.battles import AcceptBattle, BattleRatingChanged, ChallengeBattle, DeclineBattle, WithdrawChallenge
from streams.events.clock import Ticked
from tables.social_constellations import (
    BATTLES_LISTED_MAX,
    LEADERS,
    BattleSide,
    Constellation,
    DeadlineKind,
    Engagement,
    Roster,
)

_FOUGHT: Final = {"won": (1, 0, 0), "lost": (0, 1, 0), "tied": (0, 0, 1)}


class Engagements:
    """The engagements of a partition's constellations."""

    def __init__(self, registry: Registry, policy: BattlePolicy, deadlines: Deadlines[DeadlineKind]) -> None:
        self._registry = registry
        self._policy = policy
        self._deadlines = deadlines
        deadlines.on({"engagement": self._overdue})

    def rules(self) -> Rules:
        """Return the rules of what members and battles ask."""
        return {
            ChallengeRequested: self._challenge,
            EngagementRequested: self._requested,
            EngagementQueried: self._queried,
            EngagementConfirmed: self._confirmed,
            EngagementEnded: self._ended,
            AnswerRequested: self._answer,
            ChallengeWithdrawalRequested: self._withdraw,
            SideRequested: self._side,
        }

    # --- a challenge --------------------------------------------------------------------------------------------------

    def _challenge(self, event: Event[ChallengeRequested]) -> list[AnyEvent]:
        """Engage the challenger, and propose the battle."""
        wanted, constellation_id = event.data, event.partitionkey
        found = self._registry.standing(constellation_id)
        if (reason := _why_no_challenge(found, constellation_id, wanted)) is not None or found is None:
            return [_no(event, ChallengeBattle, reason or "not_a_member", wanted.user_id)]
        row = found[0]
        self._engage(event, row, wanted.battle_id, "challenger", opponent=wanted.opponent, user_id=wanted.user_id)
        self._deadlines.add("engagement", constellation_id, event.time + self._policy.answer_us)
        proposed = BattleProposed(
            user_id=wanted.user_id,
            challenger=constellation_id,
            challenger_name=row.name,
            defender=wanted.opponent,
            kind=wanted.kind,
            hours=wanted.hours or self._policy.hours_default,
            rating=row.rating,
        )
        return [event.then(proposed, key=wanted.battle_id)]

    def _requested(self, event: Event[EngagementRequested]) -> list[AnyEvent]:
        """Engage the defender, unless something speaks against it."""
        asked, constellation_id = event.data, event.partitionkey
        found = self._registry.standing(constellation_id)
        refusal = self._why_not_engaged(found, asked)
        answer = EngagementAnswered(constellation_id=constellation_id, refusal=refusal)
        answered = event.then(answer, key=asked.battle_id)
        if refusal is not None or found is None:
            return [answered]
        row, roster = found
        self._engage(event, row, asked.battle_id, "defender", opponent=asked.challenger)
        arguments = {"battle_id": asked.battle_id, "challenger": asked.challenger_name, "name": row.name}
        told = [
            notice(event, "battle_challenge", user_id=member.user_id, id_name=member.user_id, **arguments)
            for member in roster.members
            if member.role in LEADERS
        ]
        return [answered, *told]

    def _why_not_engaged(self, found: tuple[Constellation, Roster] | None, asked: EngagementRequested) -> str | None:
        if found is None:
            return "unknown_opponent"
        if found[0].engagement is not None:
            return "opponent_in_a_battle"
        return "rating_gap" if abs(found[0].rating - asked.rating) > self._policy.rating.gap_max else None

    def _engage(
        self, event: AnyEvent, row: Constellation, battle_id: str, side: BattleSide, *, opponent: str, user_id: str = ""
    ) -> None:
        engagement = Engagement(
            battle_id=battle_id,
            side=side,
            opponent=opponent,
            user_id=user_id,
            confirmed=side == "defender",
            since=int(event.time),
        )
        listed = (battle_id, *row.battles)[:BATTLES_LISTED_MAX]
        self._registry.rows.put(event.partitionkey, replace(row, engagement=engagement, battles=listed))

    def _queried(self, event: Event[EngagementQueried]) -> list[AnyEvent]:
        engaged = self._in(event.partitionkey, event.data.battle_id) is not None
        answer = EngagementAnswered(constellation_id=event.partitionkey, refusal=None if engaged else "expired")
        return [event.then(answer, key=event.data.battle_id)]

    def _confirmed(self, event: Event[EngagementConfirmed]) -> list[AnyEvent]:
        """Note that the battle stands. A battle that the constellation does not want is declined."""
        row = self._in(event.partitionkey, event.data.battle_id)
        if row is None or row.engagement is None:
            declined = ChallengeAnswered(user_id="", constellation_id=event.partitionkey, accepted=False)
            return [event.then(declined, key=event.data.battle_id)]
        self._registry.rows.put(event.partitionkey, replace(row, engagement=replace(row.engagement, confirmed=True)))
        return []

    def _overdue(self, subject: str, tick: Event[Ticked]) -> list[AnyEvent]:
        """Ask a battle that has not confirmed the engagement, and ask again later."""
        row = self._registry.rows.get(subject)
        if row is None or row.engagement is None or row.engagement.confirmed:
            return []
        if tick.time < row.engagement.since + self._policy.answer_us:
            return []  # a later engagement, which has a deadline of its own
        self._deadlines.add("engagement", subject, tick.time + self._policy.answer_us)
        query = BattleQueried(constellation_id=subject)
        return [tick.then(query, name=subject, key=row.engagement.battle_id)]

    # --- answers ------------------------------------------------------------------------------------------------------

    def _answer(self, event: Event[AnswerRequested]) -> list[AnyEvent]:
        """Pass on the answer of an owner or admin to the battle, and with an acceptance the members."""
        asked, constellation_id = event.data, event.partitionkey
        command = AcceptBattle if asked.accept else DeclineBattle
        found = self._registry.standing(constellation_id)
        if (reason := _why_not_led(found, asked, "defender")) is not None or found is None:
            return [_no(event, command, reason or "not_a_member", asked.user_id)]
        answer = ChallengeAnswered(
            user_id=asked.user_id,
            constellation_id=constellation_id,
            accepted=asked.accept,
            members=_ids(found[1]) if asked.accept else (),
        )
        return [event.then(answer, key=asked.battle_id)]

    def _withdraw(self, event: Event[ChallengeWithdrawalRequested]) -> list[AnyEvent]:
        """Pass on the wish of the challenger's owner or admin to the battle, which may have been accepted."""
        asked, constellation_id = event.data, event.partitionkey
        found = self._registry.standing(constellation_id)
        if (reason := _why_not_led(found, asked, "challenger")) is not None:
            return [_no(event, WithdrawChallenge, reason, asked.user_id)]
        withdrawn = ChallengeWithdrawn(user_id=asked.user_id, constellation_id=constellation_id)
        return [event.then(withdrawn, key=asked.battle_id)]

    def _side(self, event: Event[SideRequested]) -> list[AnyEvent]:
        """Name the members of this moment. A constellation that is gone has none."""
        found = self._registry.standing(event.partitionkey)
        fixed = SideFixed(constellation_id=event.partitionkey, members=() if found is None else _ids(found[1]))
        return [event.then(fixed, key=event.data.battle_id)]

    # --- the end ------------------------------------------------------------------------------------------------------

    def _ended(self, event: Event[EngagementEnded]) -> list[AnyEvent]:
        """Free the constellation. A fought battle changes its rating."""
        row = self._in(event.partitionkey, event.data.battle_id)
        if row is None:
            return []
        ended = event.data
        free = replace(row, engagement=None)
        if ended.outcome not in _FOUGHT:
            listed = tuple(one for one in row.battles if one != ended.battle_id)
            self._registry.rows.put(
                event.partitionkey, replace(free, battles=listed if ended.outcome == "refused" else row.battles)
            )
            return []
        won, lost, tied = _FOUGHT[ended.outcome]
        rating = self._policy.rating.after(row.rating, ended.rating_change)
        self._registry.rows.put(
            event.partitionkey,
            replace(free, rating=rating, won=row.won + won, lost=row.lost + lost, tied=row.tied + tied),
        )
        if rating == row.rating:
            return []  # on the board it keeps the time at which it was reached
        self._registry.rate(event.partitionkey, rating, int(event.time))
        changed = BattleRatingChanged(battle_id=ended.battle_id, rating=rating, before=row.rating)
        return [event.then(changed)]

    def _in(self, constellation_id: str, battle_id: str) -> Constellation | None:
        """Return the constellation if it is engaged in a battle."""
        row = self._registry.rows.get(constellation_id)
        engaged = row is not None and row.engagement is not None and row.engagement.battle_id == battle_id
        return row if engaged else None


def _why_no_challenge(
    found: tuple[Constellation, Roster] | None, constellation_id: str, wanted: ChallengeRequested
) -> str | None:
    member = None if found is None else found[1].member(wanted.user_id)
    if found is None or member is None:
        return "not_a_member"
    if member.role not in LEADERS:
        return "role_too_low"
    if wanted.opponent == constellation_id:
        return "own_constellation"
    return "in_a_battle" if found[0].engagement is not None else None


def _why_not_led(
    found: tuple[Constellation, Roster] | None,
    asked: AnswerRequested | ChallengeWithdrawalRequested,
    side: BattleSide,
) -> str | None:
    """Return why a user cannot decide about a challenge for a side."""
    member = None if found is None else found[1].member(asked.user_id)
    if found is None or member is None:
        return "not_a_member"
    if member.role not in LEADERS:
        return "role_too_low"
    engagement = found[0].engagement
    stands = engagement is not None and engagement.battle_id == asked.battle_id and engagement.side == side
    return None if stands else "no_such_challenge"


def _ids(roster: Roster) -> tuple[str, ...]:
    return tuple(member.user_id for member in roster.members)


def _no(event: Event[Any], command: type[Any], reason: str, user_id: str) -> AnyEvent:
    return rejected(event, command, reason, event.data.battle_id, user_id=user_id)
