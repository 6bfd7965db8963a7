"""Steps of the social domain between a user's partition, a name's and a constellation's. Only this domain reads them.

The key is in each docstring. `request_id` is the id of the command that began the steps.
"""

from __future__ import annotations

from typing import ClassVar

from streams.events.base import Count, EventData, Name, UserId
from streams.events.constellations import ConstellationId, ConstellationRole, LeavingReason, Shards


class NameClaimRequested(EventData, frozen=True, kw_only=True):
    """A user wants a name for a new constellation. The key is the name (`tables.social_constellations.name_key`)."""

    domain: ClassVar[str] = "social"

    request_id: str
    user_id: UserId
    constellation_id: ConstellationId
    name: str
    members_max: Count


class NameClaimed(EventData, frozen=True, kw_only=True):
    """A name belongs to a constellation, which is to be created. The key is the constellation."""

    domain: ClassVar[str] = "social"

    request_id: str
    user_id: UserId
    name: str
    members_max: Count


class NameReleased(EventData, frozen=True, kw_only=True):
    """A constellation needs its name no longer. The key is the name."""

    domain: ClassVar[str] = "social"

    constellation_id: ConstellationId


class MembershipRequested(EventData, frozen=True, kw_only=True):
    """A user wants to join. The user's slot is reserved. The key is the constellation."""

    domain: ClassVar[str] = "social"

    request_id: str
    user_id: UserId


class MembershipGranted(EventData, frozen=True, kw_only=True):
    """A constellation has the user as a member. The key is the user, whose slot is confirmed."""

    domain: ClassVar[str] = "social"

    request_id: str
    constellation_id: ConstellationId
    name: str
    role: ConstellationRole


class MembershipRefused(EventData, frozen=True, kw_only=True):
    """A user does not become a member. The key is the user, whose slot is released."""

    domain: ClassVar[str] = "social"

    request_id: str
    constellation_id: ConstellationId
    reason: Name


class NameQueried(EventData, frozen=True, kw_only=True):
    """A founder's slot has been reserved for too long. The key is the name.

    The answer is `MembershipRefused`, or `MembershipQueried` to the constellation that has the name.
    """

    domain: ClassVar[str] = "social"

    request_id: str
    user_id: UserId
    constellation_id: ConstellationId
    name: str


class MembershipQueried(EventData, frozen=True, kw_only=True):
    """A slot has been reserved for too long. The key is the constellation. `name` is what a founder has claimed.

    The answer is `MembershipGranted` where the user is a member, else `MembershipRefused`.
    """

    domain: ClassVar[str] = "social"

    request_id: str
    user_id: UserId
    name: str = ""


class MembershipReturned(EventData, frozen=True, kw_only=True):
    """A user's slot does not want a membership that was granted. The key is the constellation, which undoes it."""

    domain: ClassVar[str] = "social"

    request_id: str
    user_id: UserId


class MemberAccountClosed(EventData, frozen=True, kw_only=True):
    """The account of a member was closed. The key is the constellation, which lets the member go."""

    domain: ClassVar[str] = "social"

    request_id: str
    user_id: UserId


class MembershipChanged(EventData, frozen=True, kw_only=True):
    """A member has another role. The key is the user, whose slot is confirmed by it where the grant got lost."""

    domain: ClassVar[str] = "social"

    request_id: str
    constellation_id: ConstellationId
    name: str
    role: ConstellationRole


class MembershipEnded(EventData, frozen=True, kw_only=True):
    """A constellation has let a member go. The key is the user, whose slot is freed."""

    domain: ClassVar[str] = "social"

    request_id: str
    constellation_id: ConstellationId
    reason: LeavingReason


class LeaveRequested(EventData, frozen=True, kw_only=True):
    """A member wants to leave. The key is the constellation."""

    domain: ClassVar[str] = "social"

    user_id: UserId


class DissolutionRequested(EventData, frozen=True, kw_only=True):
    """A member wants to dissolve the constellation. The key is the constellation."""

    domain: ClassVar[str] = "social"

    user_id: UserId


class RoleChangeRequested(EventData, frozen=True, kw_only=True):
    """A member wants to give another member a role. The key is the constellation."""

    domain: ClassVar[str] = "social"

    user_id: UserId
    member: UserId
    role: ConstellationRole


class RemovalRequested(EventData, frozen=True, kw_only=True):
    """A member wants to remove another user. The key is the constellation."""

    domain: ClassVar[str] = "social"

    user_id: UserId
    member: UserId
    ban: bool = False


class BanLiftRequested(EventData, frozen=True, kw_only=True):
    """A member wants a banned user to be able to join again. The key is the constellation."""

    domain: ClassVar[str] = "social"

    user_id: UserId
    member: UserId


class ContributionReceived(EventData, frozen=True, kw_only=True):
    """The ledger has moved a member's stellar shards to the constellation. The key is the constellation."""

    domain: ClassVar[str] = "social"

    user_id: UserId
    contribution_id: str
    amount: Shards
