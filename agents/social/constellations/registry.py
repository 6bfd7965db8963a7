"""Constellations: who belongs to one and what its members may do, in the partition of its id."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from agents.dispatch import Rules
from agents.notices import notice
from agents.social.constellations.policy import ConstellationPolicy
from agents.social.refusals import rejected
from streams.events import AnyEvent, Event
from streams.events.battle_steps import ChallengeAnswered
from streams.events.constellation_steps import (
    BanLiftRequested,
    ContributionReceived,
    DissolutionRequested,
    LeaveRequested,
    MembershipChanged,
    MembershipEnded,
    MembershipGranted,
    MembershipQueried,
    MembershipRefused,
    MembershipRequested,
    MembershipReturned,
    NameClaimed,
    NameReleased,
    RemovalRequested,
    RoleChangeRequested,
)
from streams.events.constellations import (
    ChangeMemberRole,
    ConstellationCreated,
    ConstellationDissolved,
    ConstellationLevelUp,
    ConstellationRole,
    DissolveConstellation,
    LeaveConstellation,
    LeavingReason,
    LiftBan,
    RemoveMember,
)
from tables.boards import Standing
from tables.social_constellations import (
    LEADERS,
    RATING_NAME,
    SOCIAL_CONSTELLATIONS,
    SOCIAL_RATINGS,
    SOCIAL_ROSTERS,
    Constellation,
    Member,
    Roster,
    name_key,
    rating_key,
)
from tables.unit_of_work import UnitOfWork


class Registry:
    """The constellations of a partition."""

    def __init__(self, tables: UnitOfWork, policy: ConstellationPolicy, rating_first: int) -> None:
        """Open the tables.

        Args:
            tables: The domain's tables.
            policy: The numbers of constellations.
            rating_first: The battle rating of a new constellation.
        """
        self._policy = policy
        self._rating_first = rating_first
        self.rows = tables.rows(SOCIAL_CONSTELLATIONS)
        self.rosters = tables.rows(SOCIAL_ROSTERS)
        self.ratings = tables.ranked(SOCIAL_RATINGS)

    def rules(self) -> Rules:
        """Return the rules of what other partitions ask."""
        return {
            NameClaimed: self._claimed,
            MembershipRequested: self._requested,
            MembershipQueried: self._queried,
            MembershipReturned: self._returned,
            LeaveRequested: self._leave,
            DissolutionRequested: self._dissolve,
            RoleChangeRequested: self._change_role,
            RemovalRequested: self._remove,
            BanLiftRequested: self._lift_ban,
            ContributionReceived: self._contributed,
        }

    def standing(self, constellation_id: str) -> tuple[Constellation, Roster] | None:
        """Return a constellation that exists, with its members."""
        row = self.rows.get(constellation_id)
        if row is None or row.dissolved_at:
            return None
        return row, self.rosters.get(constellation_id) or Roster()

    def rate(self, constellation_id: str, rating: int, at: int) -> None:
        """Put a constellation on the board of battle ratings."""
        self.ratings.put(rating_key(constellation_id), {RATING_NAME: Standing(rating, at).ranked})

    # --- founding and joining -----------------------------------------------------------------------------------------

    def _claimed(self, event: Event[NameClaimed]) -> list[AnyEvent]:
        """Found a constellation. An id that was ever used gives the name back."""
        claim, constellation_id = event.data, event.partitionkey
        if self.rows.get(constellation_id) is not None:
            return [
                _refusal(event, claim.request_id, claim.user_id, "constellation_exists"),
                _release(event, claim.name),
            ]
        row = Constellation(
            name=claim.name,
            owner=claim.user_id,
            members=0,
            members_max=claim.members_max,
            rating=self._rating_first,
            created_at=int(event.time),
        )
        self.rate(constellation_id, row.rating, int(event.time))
        created = ConstellationCreated(name=claim.name, owner=claim.user_id, members_max=claim.members_max)
        granted = self._admit(event, row, Roster(), request_id=claim.request_id, user_id=claim.user_id, role="owner")
        return [event.then(created), *granted]

    def _requested(self, event: Event[MembershipRequested]) -> list[AnyEvent]:
        request = event.data
        found = self.standing(event.partitionkey)
        if (reason := _why_not(found, request.user_id)) is not None or found is None:
            return [_refusal(event, request.request_id, request.user_id, reason or "unknown_constellation")]
        joined = self._admit(event, *found, request_id=request.request_id, user_id=request.user_id, role="recruit")
        told = [
            _notified(event, member.user_id, "constellation_joined", {"member": request.user_id, "name": found[0].name})
            for member in found[1].members
            if member.role in LEADERS
        ]
        return [*joined, *told]

    def _admit(
        self,
        event: AnyEvent,
        row: Constellation,
        roster: Roster,
        *,
        request_id: str,
        user_id: str,
        role: ConstellationRole,
    ) -> list[AnyEvent]:
        """Add a member, and confirm the member's slot."""
        member = Member(user_id=user_id, role=role, request_id=request_id, joined_at=int(event.time))
        levelled = self.put(event, row, replace(roster, members=(*roster.members, member)))
        return [_grant(event, row.name, member), *levelled]

    def _queried(self, event: Event[MembershipQueried]) -> list[AnyEvent]:
        """Answer for a slot that waits. A founder whose constellation was never created gives the name back."""
        query, constellation_id = event.data, event.partitionkey
        found = self.standing(constellation_id)
        member = None if found is None else found[1].member(query.user_id)
        if found is not None and member is not None and member.request_id == query.request_id:
            return [_grant(event, found[0].name, member)]
        effects = [_refusal(event, query.request_id, query.user_id, "expired")]
        if query.name and self.rows.get(constellation_id) is None:
            self.rows.put(constellation_id, _never_founded(query, self._rating_first, int(event.time)))
            effects.append(_release(event, query.name))
        return effects

    def _returned(self, event: Event[MembershipReturned]) -> list[AnyEvent]:
        """Undo a membership that the user's slot does not want. Without its founder a constellation is dissolved."""
        back = event.data
        found = self.standing(event.partitionkey)
        member = None if found is None else found[1].member(back.user_id)
        if found is None or member is None or member.request_id != back.request_id:
            return []
        if member.role == "owner":
            return self.end(event, *found)
        self.put(event, found[0], without(found[1], back.user_id))
        return []

    # --- leaving ------------------------------------------------------------------------------------------------------

    def _leave(self, event: Event[LeaveRequested]) -> list[AnyEvent]:
        user_id = event.data.user_id
        found = self.standing(event.partitionkey)
        member = None if found is None else found[1].member(user_id)
        if found is None or member is None:
            return [_no(event, LeaveConstellation, "not_a_member", user_id)]
        if member.role == "owner":
            return [_no(event, LeaveConstellation, "owner_cannot_leave", user_id)]
        self.put(event, found[0], without(found[1], user_id))
        return [ended(event, member, "left")]

    def _dissolve(self, event: Event[DissolutionRequested]) -> list[AnyEvent]:
        user_id = event.data.user_id
        found = self.standing(event.partitionkey)
        if found is None or found[0].owner != user_id:
            return [_no(event, DissolveConstellation, "not_the_owner", user_id)]
        if found[0].engagement is not None:
            return [_no(event, DissolveConstellation, "in_a_battle", user_id)]
        return self.end(event, *found)

    def end(self, event: AnyEvent, row: Constellation, roster: Roster) -> list[AnyEvent]:
        """Let all members go, free the name, and keep the row so that its id is not used again.

        An open challenge is declined. A battle that has begun goes on for those who fight it, and rates the other side.
        """
        constellation_id, engagement = event.partitionkey, row.engagement
        self.rows.put(constellation_id, replace(row, members=0, engagement=None, dissolved_at=int(event.time)))
        self.rosters.delete(constellation_id)
        self.ratings.delete(rating_key(constellation_id))
        freed = [ended(event, member, "dissolved") for member in roster.members]
        if engagement is not None:
            declined = ChallengeAnswered(user_id="", constellation_id=constellation_id, accepted=False)
            freed.append(event.then(declined, key=engagement.battle_id))
        return [event.then(ConstellationDissolved(name=row.name)), _release(event, row.name), *freed]

    # --- roles --------------------------------------------------------------------------------------------------------

    def _change_role(self, event: Event[RoleChangeRequested]) -> list[AnyEvent]:
        change = event.data
        found = self.standing(event.partitionkey)
        if found is None or found[0].owner != change.user_id:
            return [_no(event, ChangeMemberRole, "not_the_owner", change.user_id)]
        member = found[1].member(change.member)
        if member is None:
            return [_no(event, ChangeMemberRole, "unknown_member", change.user_id)]
        if member.role == "owner":
            return [_no(event, ChangeMemberRole, "owner_keeps_role", change.user_id)]
        changed = tuple(replace(one, role=change.role) if one is member else one for one in found[1].members)
        self.rosters.put(event.partitionkey, replace(found[1], members=changed))
        told = MembershipChanged(
            request_id=member.request_id, constellation_id=event.partitionkey, name=found[0].name, role=change.role
        )
        return [event.then(told, key=change.member)]

    def _remove(self, event: Event[RemovalRequested]) -> list[AnyEvent]:
        removal = event.data
        found = self.standing(event.partitionkey)
        if (reason := self._why_not_removed(found, removal)) is not None or found is None:
            return [_no(event, RemoveMember, reason or "not_a_member", removal.user_id)]
        row, roster = found
        member = roster.member(removal.member)
        if removal.ban and removal.member not in roster.banned:
            roster = replace(roster, banned=(*roster.banned, removal.member))
        self.put(event, row, without(roster, removal.member))
        return [] if member is None else [ended(event, member, "removed")]

    def _why_not_removed(self, found: tuple[Constellation, Roster] | None, removal: RemovalRequested) -> str | None:
        by = None if found is None else found[1].member(removal.user_id)
        if found is None or by is None:
            return "not_a_member"
        target = found[1].member(removal.member)
        if by.role not in LEADERS or (target is not None and target.role in LEADERS and by.role != "owner"):
            return "role_too_low"
        if target is not None and target.role == "owner":
            return "owner_cannot_leave"
        if target is None and not removal.ban:
            return "unknown_member"
        if removal.ban and removal.member not in found[1].banned and len(found[1].banned) >= self._policy.banned_max:
            return "too_many_banned"
        return None

    def _lift_ban(self, event: Event[BanLiftRequested]) -> list[AnyEvent]:
        lifted = event.data
        found = self.standing(event.partitionkey)
        by = None if found is None else found[1].member(lifted.user_id)
        if found is None or by is None:
            return [_no(event, LiftBan, "not_a_member", lifted.user_id)]
        if by.role not in LEADERS:
            return [_no(event, LiftBan, "role_too_low", lifted.user_id)]
        roster = found[1]
        if lifted.member not in roster.banned:
            return [_no(event, LiftBan, "not_banned", lifted.user_id)]
        banned = tuple(one for one in roster.banned if one != lifted.member)
        self.rosters.put(event.partitionkey, replace(roster, banned=banned))
        return []

    # --- levels -------------------------------------------------------------------------------------------------------

    def _contributed(self, event: Event[ContributionReceived]) -> list[AnyEvent]:
        """Count a paid contribution, also of a member who left meanwhile."""
        paid = event.data
        found = self.standing(event.partitionkey)
        if found is None:
            return []
        row, roster = found
        members = tuple(
            replace(one, contributed=one.contributed + paid.amount) if one.user_id == paid.user_id else one
            for one in roster.members
        )
        given = replace(row, contributed=row.contributed + paid.amount)
        return self.put(event, given, replace(roster, members=members))

    def put(self, event: AnyEvent, row: Constellation, roster: Roster) -> list[AnyEvent]:
        """Write a constellation with its members, and raise its level where it may."""
        level = self._policy.level_at(row.level, row.contributed, len(roster.members))
        self.rows.put(event.partitionkey, replace(row, members=len(roster.members), level=level))
        self.rosters.put(event.partitionkey, roster)
        if level == row.level:
            return []
        risen = ConstellationLevelUp(old=row.level, new=level, members=len(roster.members), contributed=row.contributed)
        arguments = {"name": row.name, "level": str(level)}
        told = [_notified(event, one.user_id, "constellation_level_up", arguments) for one in roster.members]
        return [event.then(risen), *told]


def _why_not(found: tuple[Constellation, Roster] | None, user_id: str) -> str | None:
    """Return why a user cannot join a constellation."""
    if found is None:
        return "unknown_constellation"
    row, roster = found
    if user_id in roster.banned:
        return "banned"
    if roster.member(user_id) is not None:
        return "already_member"
    return "constellation_full" if len(roster.members) >= row.members_max else None


def _never_founded(query: MembershipQueried, rating: int, at: int) -> Constellation:
    """Return the row of an id whose foundation was given up, so that a late claim cannot use it."""
    return Constellation(
        name=query.name, owner=query.user_id, members=0, members_max=0, rating=rating, created_at=at, dissolved_at=at
    )


def without(roster: Roster, user_id: str) -> Roster:
    """Return a roster without a member."""
    return replace(roster, members=tuple(one for one in roster.members if one.user_id != user_id))


def _grant(event: AnyEvent, name: str, member: Member) -> AnyEvent:
    granted = MembershipGranted(
        request_id=member.request_id, constellation_id=event.partitionkey, name=name, role=member.role
    )
    return event.then(granted, key=member.user_id)


def _refusal(event: AnyEvent, request_id: str, user_id: str, reason: str) -> AnyEvent:
    refusal = MembershipRefused(request_id=request_id, constellation_id=event.partitionkey, reason=reason)
    return event.then(refusal, key=user_id)


def _release(event: AnyEvent, name: str) -> AnyEvent:
    return event.then(NameReleased(constellation_id=event.partitionkey), key=name_key(name))


def ended(event: AnyEvent, member: Member, reason: LeavingReason) -> AnyEvent:
    """Return the end of a membership, to the user."""
    told = MembershipEnded(request_id=member.request_id, constellation_id=event.partitionkey, reason=reason)
    return event.then(told, name=member.user_id, key=member.user_id)


def _no(event: AnyEvent, command: type[Any], reason: str, user_id: str) -> AnyEvent:
    return rejected(event, command, reason, event.partitionkey, user_id=user_id)


def _notified(event: AnyEvent, user_id: str, kind: Any, arguments: dict[str, str]) -> AnyEvent:
    name = f"{kind}|{user_id}"
    return notice(event, kind, user_id=user_id, id_name=name, constellation_id=event.partitionkey, **arguments)
