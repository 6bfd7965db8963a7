"""Commands and events of constellations: founding, joining and leaving, roles, contributions.

Unless a class says otherwise, the key is the user who acts. The steps between partitions are in `constellation_steps`.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import msgspec
from pydantic import Field, StringConstraints

from streams.events.base import Command, Count, EventData, Name, UserId

CONSTELLATION_NAME_CHARS = (3, 40)

ConstellationRole = Literal["owner", "admin", "member", "recruit"]
LeavingReason = Literal["left", "removed", "dissolved", "closed"]
Shards = Annotated[int, msgspec.Meta(ge=1), Field(ge=1, le=10**12, strict=True)]
"""An amount of stellar shards."""
MembersMax = Annotated[int, Field(ge=5, le=200, strict=True)]
"""How many members a constellation may have at most. A row has all members, so this is a bound of storage."""
ConstellationId = Name


# --- commands ---------------------------------------------------------------------------------------------------------


class CreateConstellation(Command, frozen=True, kw_only=True):
    """Found a constellation, which the caller then owns."""

    domain: ClassVar[str] = "social"

    constellation_id: ConstellationId
    name: Annotated[
        str, StringConstraints(min_length=CONSTELLATION_NAME_CHARS[0], max_length=CONSTELLATION_NAME_CHARS[1])
    ]
    members_max: MembersMax | None = None


class JoinConstellation(Command, frozen=True, kw_only=True):
    """Join a constellation."""

    domain: ClassVar[str] = "social"

    constellation_id: ConstellationId


class LeaveConstellation(Command, frozen=True, kw_only=True):
    """Leave the caller's constellation. Its owner cannot; an owner dissolves it."""

    domain: ClassVar[str] = "social"


class DissolveConstellation(Command, frozen=True, kw_only=True):
    """Dissolve the constellation that the caller owns. Its name is free again."""

    domain: ClassVar[str] = "social"


class ChangeMemberRole(Command, frozen=True, kw_only=True):
    """Give a member of the caller's constellation another role. Only its owner may."""

    domain: ClassVar[str] = "social"

    member: UserId
    role: Literal["admin", "member", "recruit"]


class RemoveMember(Command, frozen=True, kw_only=True):
    """Remove a member of the caller's constellation, and ban the user from it if asked."""

    domain: ClassVar[str] = "social"

    member: UserId
    ban: bool = False


class LiftBan(Command, frozen=True, kw_only=True):
    """Let a banned user join the caller's constellation again. Its owner and admins may."""

    domain: ClassVar[str] = "social"

    member: UserId


class ContributeShards(Command, frozen=True, kw_only=True):
    """Give stellar shards of the caller to the caller's constellation."""

    domain: ClassVar[str] = "social"

    amount: Shards


# --- events that other domains read -----------------------------------------------------------------------------------


class ConstellationJoined(EventData, frozen=True, kw_only=True):
    """A user is a member from now on. The founder joins as owner."""

    domain: ClassVar[str] = "social"

    constellation_id: ConstellationId
    name: str
    role: ConstellationRole


class ConstellationLeft(EventData, frozen=True, kw_only=True):
    """A user is a member no longer. `closed`: the user's account was closed."""

    domain: ClassVar[str] = "social"

    constellation_id: ConstellationId
    reason: LeavingReason


class ContributionRequested(EventData, frozen=True, kw_only=True):
    """A member wants to give stellar shards to the constellation. The ledger decides."""

    domain: ClassVar[str] = "social"

    contribution_id: str
    constellation_id: ConstellationId
    amount: Shards


class ConstellationCreated(EventData, frozen=True, kw_only=True):
    """A constellation exists. The key is its id."""

    domain: ClassVar[str] = "social"

    name: str
    owner: UserId
    members_max: Count


class ConstellationDissolved(EventData, frozen=True, kw_only=True):
    """A constellation exists no longer. The key is its id."""

    domain: ClassVar[str] = "social"

    name: str


class ConstellationLevelUp(EventData, frozen=True, kw_only=True):
    """A constellation reached a level. The key is its id."""

    domain: ClassVar[str] = "social"

    old: Count
    new: Count
    members: Count
    contributed: Count
