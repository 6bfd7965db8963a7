"""Commands about constellations: found, join, leave and lead one. What only the rules know comes as a rejection."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints
from starlette.responses import Response

from api.auth import Role
from api.kit.commands.admission import WhenDelayed
from api.kit.commands.answers import Accepted, accepted
from api.kit.commands.reading import WITHOUT_BODY, CommandRequest, CommandRoute, Reader, read_without_body
from api.kit.domain import AcceptedCommand, DomainApi
from api.kit.openapi import problems
from api.permissions import Scope, only
from api.social.constellation_rows import ConstellationPath, MemberPath
from streams.events.base import Command
from streams.events.constellations import (
    CONSTELLATION_NAME_CHARS,
    ChangeMemberRole,
    ContributeShards,
    CreateConstellation,
    DissolveConstellation,
    JoinConstellation,
    LeaveConstellation,
    LiftBan,
    MembersMax,
    RemoveMember,
    Shards,
)
from tables.social_constellations import good_name


def _good_name(name: str) -> str:
    if not good_name(name):
        raise ValueError("expected printable characters without spaces around them, 3 to 40 also when normalised")
    return name


ConstellationName = Annotated[
    str,
    StringConstraints(min_length=CONSTELLATION_NAME_CHARS[0], max_length=CONSTELLATION_NAME_CHARS[1]),
    AfterValidator(_good_name),
]


class Foundation(BaseModel):
    """A constellation to found. Its name is unique without regard to case."""

    model_config = ConfigDict(extra="forbid")

    name: ConstellationName
    members_max: MembersMax | None = None


class NewRole(BaseModel):
    """Another role for a member."""

    model_config = ConfigDict(extra="forbid")

    role: Literal["admin", "member", "recruit"]


class Removal(BaseModel):
    """Whether a removed user may not join again."""

    model_config = ConfigDict(extra="forbid")

    ban: bool = False


class Contribution(BaseModel):
    """An amount of stellar shards for the caller's constellation."""

    model_config = ConfigDict(extra="forbid")

    amount: Shards


class AcceptedFoundation(Accepted):
    """The command is in the log. `constellation_id` is the id of the constellation, unless it is rejected."""

    constellation_id: str


read_foundation, read_role = Reader(Foundation), Reader(NewRole)
read_removal, read_contribution = Reader(Removal), Reader(Contribution)
commands = APIRouter(prefix="/v1", responses=problems(400, 401, 403, 413, 415, 422, 503), route_class=CommandRoute)


async def _sent(request: CommandRequest[Any], command: Command, route: str, **more: str) -> Response:
    model = type(command)
    submission = await request.begin(model, route)
    entry = submission.entry(command, submission.event_id())
    written = await request.api.writer.write(model, [entry], submission)
    return accepted(request.api, written, model, **more)


@commands.post(
    "/constellations",
    status_code=202,
    summary="Found a constellation",
    response_model=AcceptedFoundation,
    openapi_extra=read_foundation.described({"a clan": {"name": "Northern Lights", "members_max": 20}}),
)
async def found_constellation(request: Request) -> Response:
    """Found a constellation. A rejection, such as `name_taken`, comes as an event on the caller's feed."""
    wanted = await read_foundation(request)
    submission = await wanted.begin(CreateConstellation, "constellations.found")
    event_id = submission.event_id()
    command = CreateConstellation(constellation_id=event_id, **dict(wanted.value))
    written = await wanted.api.writer.write(CreateConstellation, [submission.entry(command, event_id)], submission)
    return accepted(wanted.api, written, CreateConstellation, constellation_id=event_id)


@commands.post(
    "/constellations/{constellation_id}/join",
    status_code=202,
    summary="Join a constellation",
    response_model=Accepted,
    openapi_extra=WITHOUT_BODY,
)
async def join_constellation(request: Request, constellation_id: ConstellationPath) -> Response:
    """Ask to join a constellation. The caller's slot is reserved until the constellation has decided."""
    command = JoinConstellation(constellation_id=constellation_id)
    return await _sent(read_without_body(request), command, f"constellations.join.{constellation_id}")


@commands.post(
    "/constellation/leave",
    status_code=202,
    summary="Leave your constellation",
    response_model=Accepted,
    openapi_extra=WITHOUT_BODY,
)
async def leave_constellation(request: Request) -> Response:
    """Leave the caller's constellation. Its owner cannot."""
    return await _sent(read_without_body(request), LeaveConstellation(), "constellations.leave")


@commands.delete(
    "/constellation",
    status_code=202,
    summary="Dissolve your constellation",
    response_model=Accepted,
    openapi_extra=WITHOUT_BODY,
)
async def dissolve_constellation(request: Request) -> Response:
    """Dissolve the constellation that the caller owns. Its name is free again."""
    return await _sent(read_without_body(request), DissolveConstellation(), "constellations.dissolve")


@commands.put(
    "/constellation/members/{member_id}/role",
    status_code=202,
    summary="Change a member's role",
    response_model=Accepted,
    openapi_extra=read_role.described({"an admin": {"role": "admin"}}),
)
async def change_role(request: Request, member_id: MemberPath) -> Response:
    """Give a member of the caller's constellation another role. Only its owner may."""
    role = await read_role(request)
    command = ChangeMemberRole(member=member_id, role=role.value.role)
    return await _sent(role, command, f"constellations.role.{member_id}")


@commands.post(
    "/constellation/members/{member_id}/remove",
    status_code=202,
    summary="Remove a member",
    response_model=Accepted,
    openapi_extra=read_removal.described({"a ban": {"ban": True}}),
)
async def remove_member(request: Request, member_id: MemberPath) -> Response:
    """Remove a member of the caller's constellation, or ban a user from it. Owner and admins may."""
    removal = await read_removal(request)
    command = RemoveMember(member=member_id, ban=removal.value.ban)
    return await _sent(removal, command, f"constellations.remove.{member_id}")


@commands.delete(
    "/constellation/bans/{member_id}",
    status_code=202,
    summary="Lift a ban",
    response_model=Accepted,
    openapi_extra=WITHOUT_BODY,
)
async def lift_ban(request: Request, member_id: MemberPath) -> Response:
    """Let a banned user join the caller's constellation again. Owner and admins may."""
    return await _sent(read_without_body(request), LiftBan(member=member_id), f"constellations.bans.{member_id}")


@commands.post(
    "/constellation/contributions",
    status_code=202,
    summary="Contribute shards",
    response_model=Accepted,
    openapi_extra=read_contribution.described({"a gift": {"amount": 500}}),
)
async def contribute(request: Request) -> Response:
    """Give stellar shards to the caller's constellation. The ledger decides whether they are there."""
    gift = await read_contribution(request)
    return await _sent(gift, ContributeShards(amount=gift.value.amount), "constellations.contribute")


_COMMAND = only(Role.USER, Scope.ACCOUNT)

API: Final = DomainApi(
    title="Constellation commands",
    description="Founding, joining and leading constellations.",
    routers=(commands,),
    commands={
        CreateConstellation: AcceptedCommand(Foundation, WhenDelayed.ACCEPT),
        JoinConstellation: AcceptedCommand(None, WhenDelayed.ACCEPT),
        LeaveConstellation: AcceptedCommand(None, WhenDelayed.ACCEPT),
        DissolveConstellation: AcceptedCommand(None, WhenDelayed.ACCEPT),
        ChangeMemberRole: AcceptedCommand(NewRole, WhenDelayed.ACCEPT),
        RemoveMember: AcceptedCommand(Removal, WhenDelayed.ACCEPT),
        LiftBan: AcceptedCommand(None, WhenDelayed.ACCEPT),
        ContributeShards: AcceptedCommand(Contribution, WhenDelayed.ACCEPT),
    },
    permissions={
        ("POST", "/v1/constellations"): _COMMAND,
        ("POST", "/v1/constellations/{constellation_id}/join"): _COMMAND,
        ("POST", "/v1/constellation/leave"): _COMMAND,
        ("DELETE", "/v1/constellation"): _COMMAND,
        ("PUT", "/v1/constellation/members/{member_id}/role"): _COMMAND,
        ("POST", "/v1/constellation/members/{member_id}/remove"): _COMMAND,
        ("DELETE", "/v1/constellation/bans/{member_id}"): _COMMAND,
        ("POST", "/v1/constellation/contributions"): _COMMAND,
    },
)
