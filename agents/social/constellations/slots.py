"""The membership slot of a user: one row in the user's partition. So a user belongs to at most one constellation.

A command reserves the slot, or passes on what a member asks of the constellation. The constellation decides.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from agents.deadlines import Deadlines
from agents.dispatch import Rules
from agents.social.constellations.policy import ConstellationPolicy
from agents.social.refusals import rejected
from streams.events import AnyEvent, Command, Event, EventData
from streams.events.battle_steps import AnswerRequested, ChallengeRequested, ChallengeWithdrawalRequested
from streams.events.battles import AcceptBattle, ChallengeBattle, DeclineBattle, WithdrawChallenge
from streams.events.clock import Ticked
from streams.events.constellation_steps import (
    BanLiftRequested,
    ContributionReceived,
    DissolutionRequested,
    LeaveRequested,
    MemberAccountClosed,
    MembershipChanged,
    MembershipEnded,
    MembershipGranted,
    MembershipQueried,
    MembershipRefused,
    MembershipRequested,
    MembershipReturned,
    NameClaimRequested,
    NameQueried,
    RemovalRequested,
    RoleChangeRequested,
)
from streams.events.constellations import (
    ChangeMemberRole,
    ConstellationJoined,
    ConstellationLeft,
    ConstellationRole,
    ContributeShards,
    ContributionRequested,
    CreateConstellation,
    DissolveConstellation,
    JoinConstellation,
    LeaveConstellation,
    LiftBan,
    RemoveMember,
)
from streams.events.financial import ContributionPaid, ContributionRefused
from streams.events.user import AccountClosed
from tables.social_constellations import SOCIAL_MEMBERSHIPS, DeadlineKind, Membership, good_name, name_key
from tables.unit_of_work import UnitOfWork


class Slots:
    """The slots of a partition's users."""

    def __init__(self, tables: UnitOfWork, policy: ConstellationPolicy, deadlines: Deadlines[DeadlineKind]) -> None:
        self._policy = policy
        self._deadlines = deadlines
        self.rows = tables.rows(SOCIAL_MEMBERSHIPS)
        deadlines.on({"membership": self._overdue})

    def rules(self) -> Rules:
        """Return the rules of the commands, of the answers and of the ledger's decisions."""
        return {
            CreateConstellation: self._create,
            JoinConstellation: self._join,
            LeaveConstellation: self._ask,
            DissolveConstellation: self._ask,
            ChangeMemberRole: self._ask,
            RemoveMember: self._ask,
            LiftBan: self._ask,
            ChallengeBattle: self._ask,
            AcceptBattle: self._ask,
            DeclineBattle: self._ask,
            WithdrawChallenge: self._ask,
            ContributeShards: self._contribute,
            MembershipGranted: self._granted,
            MembershipRefused: self._refused,
            MembershipChanged: self._changed,
            MembershipEnded: self._ended,
            AccountClosed: self._closed,
            ContributionPaid: self._paid,
            ContributionRefused: self._unpaid,
        }

    # --- reservations -------------------------------------------------------------------------------------------------

    def _create(self, event: Event[CreateConstellation]) -> list[AnyEvent]:
        wanted, user_id = event.data, event.partitionkey
        members_max = self._policy.members_default if wanted.members_max is None else wanted.members_max
        if not good_name(wanted.name):
            return [rejected(event, type(event.data), "invalid_name", wanted.constellation_id)]
        if members_max > self._policy.members_max:
            return [rejected(event, type(event.data), "too_many_members", wanted.constellation_id)]
        if (reason := self._taken(user_id)) is not None:
            return [rejected(event, type(event.data), reason, wanted.constellation_id)]
        self._reserve(event, wanted.constellation_id, "create", wanted.name)
        claim = NameClaimRequested(
            request_id=event.id,
            user_id=user_id,
            constellation_id=wanted.constellation_id,
            name=wanted.name,
            members_max=members_max,
        )
        return [event.then(claim, key=name_key(wanted.name))]

    def _join(self, event: Event[JoinConstellation]) -> list[AnyEvent]:
        constellation_id, user_id = event.data.constellation_id, event.partitionkey
        if (reason := self._taken(user_id)) is not None:
            return [rejected(event, type(event.data), reason, constellation_id)]
        self._reserve(event, constellation_id, "join")
        return [event.then(MembershipRequested(request_id=event.id, user_id=user_id), key=constellation_id)]

    def _taken(self, user_id: str) -> str | None:
        """Return why a user's slot cannot be reserved."""
        slot = self.rows.get(user_id)
        if slot is None:
            return None
        return "already_member" if slot.state == "member" else "reservation_pending"

    def _reserve(self, event: AnyEvent, constellation_id: str, purpose: Any, name: str = "") -> None:
        slot = Membership(
            state="reserving",
            constellation_id=constellation_id,
            request_id=event.id,
            name=name,
            purpose=purpose,
            since=int(event.time),
        )
        self.rows.put(event.partitionkey, slot)
        self._deadlines.add("membership", event.partitionkey, event.time + self._policy.reservation_us)

    def _overdue(self, subject: str, tick: Event[Ticked]) -> list[AnyEvent]:
        """Ask for the decision about a reservation that has stood for too long, and ask again later."""
        slot = self.rows.get(subject)
        if slot is None or slot.state != "reserving":
            return []
        due = slot.since + self._policy.reservation_us
        if tick.time < due:
            return []  # a later reservation, which has a deadline of its own
        self._deadlines.add("membership", subject, tick.time + self._policy.reservation_us)
        if slot.purpose == "create":
            return [tick.then(_name_query(slot, subject), name=subject, key=name_key(slot.name))]
        query = MembershipQueried(request_id=slot.request_id, user_id=subject)
        return [tick.then(query, name=subject, key=slot.constellation_id)]

    # --- decisions of the constellation -------------------------------------------------------------------------------

    def _granted(self, event: Event[MembershipGranted]) -> list[AnyEvent]:
        """Confirm the slot. A membership that the slot does not want goes back."""
        granted, user_id = event.data, event.partitionkey
        slot = self.rows.get(user_id)
        if slot is None or slot.request_id != granted.request_id:
            back = MembershipReturned(request_id=granted.request_id, user_id=user_id)
            return [event.then(back, key=granted.constellation_id)]
        if slot.state == "member":
            return []
        return self._confirm(event, slot, granted.name, granted.role)

    def _refused(self, event: Event[MembershipRefused]) -> list[AnyEvent]:
        refusal, user_id = event.data, event.partitionkey
        slot = self.rows.get(user_id)
        if slot is None or slot.request_id != refusal.request_id or slot.state == "member":
            return []
        self.rows.delete(user_id)
        command = CreateConstellation if slot.purpose == "create" else JoinConstellation
        return [rejected(event, command, refusal.reason, refusal.constellation_id)]

    def _changed(self, event: Event[MembershipChanged]) -> list[AnyEvent]:
        """Note another role. It also confirms a slot whose grant has not come."""
        changed = event.data
        slot = self._slot_of(event.partitionkey, changed.request_id)
        if slot is None:
            return []
        joined = [] if slot.state == "member" else self._confirm(event, slot, changed.name, "recruit")
        member = self.rows.get(event.partitionkey) or slot
        self.rows.put(event.partitionkey, replace(member, role=changed.role))
        return joined

    def _ended(self, event: Event[MembershipEnded]) -> list[AnyEvent]:
        """Free the slot, also one whose grant has not come: a grant that comes later goes back."""
        ended = event.data
        if self._slot_of(event.partitionkey, ended.request_id) is None:
            return []
        self.rows.delete(event.partitionkey)
        return [event.then(ConstellationLeft(constellation_id=ended.constellation_id, reason=ended.reason))]

    def _closed(self, event: Event[AccountClosed]) -> list[AnyEvent]:
        """Tell the constellation of a closed account. A reservation is dropped: a grant that comes later goes back."""
        user_id = event.partitionkey
        slot = self.rows.get(user_id)
        if slot is None:
            return []
        if slot.state == "reserving":
            self.rows.delete(user_id)
        closed = MemberAccountClosed(request_id=slot.request_id, user_id=user_id)
        return [event.then(closed, key=slot.constellation_id)]

    def _confirm(self, event: AnyEvent, slot: Membership, name: str, role: ConstellationRole) -> list[AnyEvent]:
        confirmed = replace(slot, state="member", name=name, role=role, since=int(event.time))
        self.rows.put(event.partitionkey, confirmed)
        return [event.then(ConstellationJoined(constellation_id=slot.constellation_id, name=name, role=role))]

    def _slot_of(self, user_id: str, request_id: str) -> Membership | None:
        """Return the slot that a request reserved."""
        slot = self.rows.get(user_id)
        return slot if slot is not None and slot.request_id == request_id else None

    # --- what members ask ---------------------------------------------------------------------------------------------

    def _ask(self, event: Event[Command]) -> list[AnyEvent]:
        """Pass on a command of a member to the constellation, which decides by the member's role."""
        slot = self.rows.get(event.partitionkey)
        if slot is None or slot.state != "member":
            return [rejected(event, type(event.data), "not_a_member")]
        return [event.then(asked(event.data, event.partitionkey), key=slot.constellation_id)]

    def _contribute(self, event: Event[ContributeShards]) -> list[AnyEvent]:
        slot = self.rows.get(event.partitionkey)
        if slot is None or slot.state != "member":
            return [rejected(event, type(event.data), "not_a_member")]
        request = ContributionRequested(
            contribution_id=event.id, constellation_id=slot.constellation_id, amount=event.data.amount
        )
        return [event.then(request)]

    def _paid(self, event: Event[ContributionPaid]) -> list[AnyEvent]:
        paid = event.data
        received = ContributionReceived(
            user_id=event.partitionkey, contribution_id=paid.contribution_id, amount=paid.amount
        )
        return [event.then(received, key=paid.constellation_id)]

    def _unpaid(self, event: Event[ContributionRefused]) -> list[AnyEvent]:
        return [rejected(event, ContributeShards, event.data.reason, event.data.constellation_id)]


def _name_query(slot: Membership, user_id: str) -> NameQueried:
    return NameQueried(
        request_id=slot.request_id, user_id=user_id, constellation_id=slot.constellation_id, name=slot.name
    )


def asked(command: EventData, user_id: str) -> EventData:
    """Return what a member's command asks of the constellation."""
    match command:
        case LeaveConstellation():
            return LeaveRequested(user_id=user_id)
        case DissolveConstellation():
            return DissolutionRequested(user_id=user_id)
        case ChangeMemberRole():
            return RoleChangeRequested(user_id=user_id, member=command.member, role=command.role)
        case RemoveMember():
            return RemovalRequested(user_id=user_id, member=command.member, ban=command.ban)
        case LiftBan():
            return BanLiftRequested(user_id=user_id, member=command.member)
    return _asked_about_a_battle(command, user_id)


def _asked_about_a_battle(command: EventData, user_id: str) -> EventData:
    match command:
        case ChallengeBattle():
            return ChallengeRequested(
                user_id=user_id,
                battle_id=command.battle_id,
                opponent=command.opponent,
                kind=command.kind,
                hours=command.hours or 0,
            )
        case AcceptBattle() | DeclineBattle():
            accept = isinstance(command, AcceptBattle)
            return AnswerRequested(user_id=user_id, battle_id=command.battle_id, accept=accept)
        case WithdrawChallenge():
            return ChallengeWithdrawalRequested(user_id=user_id, battle_id=command.battle_id)
    raise TypeError(f"{type(command).__name__} asks nothing of a constellation")
