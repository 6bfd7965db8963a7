"""Battles: challenge, accept and decline; read and follow battles with their live scores."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field, JsonValue
from starlette.responses import Response

from api.auth import Role
from api.kit.answers import json_answer
from api.kit.commands.admission import WhenDelayed
from api.kit.commands.answers import Accepted, accepted
from api.kit.commands.reading import WITHOUT_BODY, CommandRoute, Reader, read_without_body
from api.kit.context import ApiDep
from api.kit.domain import AcceptedCommand, DomainApi
from api.kit.feeds.feed import Feed
from api.kit.feeds.reading import user_rows
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LastEventId, feed_router, open_feed
from api.kit.feeds.views import RowsView
from api.kit.openapi import problems
from api.kit.parameters import visible
from api.permissions import PUBLIC, Scope, only
from api.social.constellation_rows import (
    BATTLE,
    BATTLE_ANSWER,
    BATTLES_ANSWER,
    BattlePath,
    ConstellationPath,
    stored,
)
from streams.events.base import ID_PATTERN
from streams.events.battles import (
    BATTLE_HOURS,
    AcceptBattle,
    BattleKind,
    ChallengeBattle,
    DeclineBattle,
    WithdrawChallenge,
)
from streams.events.constellations import ConstellationId
from tables.social_constellations import (
    SOCIAL_BATTLES,
    SOCIAL_CONSTELLATIONS,
    Constellation,
)


class Challenge(BaseModel):
    """A challenge on behalf of the caller's constellation."""

    model_config = ConfigDict(extra="forbid")

    opponent: ConstellationId
    kind: BattleKind
    hours: Annotated[int, Field(ge=BATTLE_HOURS[0], le=BATTLE_HOURS[1], strict=True)] | None = None


class AcceptedChallenge(Accepted):
    """The command is in the log. `battle_id` is the id of the battle, unless the challenge is rejected."""

    battle_id: str


BATTLES_FEED: Final[Feed[Any]] = Feed(name="battles", follows=SOCIAL_BATTLES, read=user_rows(BATTLE))

read_challenge = Reader(Challenge)
commands = APIRouter(prefix="/v1", responses=problems(400, 401, 403, 413, 415, 422, 503), route_class=CommandRoute)
queries = APIRouter(prefix="/v1", responses=problems(404, 410, 422, 503, 504))
feeds = feed_router()


@commands.post(
    "/battles",
    status_code=202,
    summary="Challenge a constellation",
    response_model=AcceptedChallenge,
    openapi_extra=read_challenge.described(
        {"a duel": {"opponent": "01931c2a-7b40-7c11-9c2e-5f6a7b8c9d0e", "kind": "trading_duel", "hours": 24}}
    ),
)
async def challenge_battle(request: Request) -> Response:
    """Challenge another constellation. The caller is owner or admin of one; a rejection comes on the caller's feed."""
    wanted = await read_challenge(request)
    submission = await wanted.begin(ChallengeBattle, "battles.challenge")
    event_id = submission.event_id()
    command = ChallengeBattle(battle_id=event_id, **dict(wanted.value))
    written = await wanted.api.writer.write(ChallengeBattle, [submission.entry(command, event_id)], submission)
    return accepted(wanted.api, written, ChallengeBattle, battle_id=event_id)


async def _answer(request: Request, command: AcceptBattle | DeclineBattle | WithdrawChallenge, route: str) -> Response:
    answering, model = read_without_body(request), type(command)
    submission = await answering.begin(model, f"battles.{route}.{command.battle_id}")
    entry = submission.entry(command, submission.event_id())
    written = await answering.api.writer.write(model, [entry], submission)
    return accepted(answering.api, written, model)


@commands.post(
    "/battles/{battle_id}/accept",
    status_code=202,
    summary="Accept a challenge",
    response_model=Accepted,
    openapi_extra=WITHOUT_BODY,
)
async def accept_battle(request: Request, battle_id: BattlePath) -> Response:
    """Accept a challenge on behalf of the caller's constellation. The sides are fixed, and the battle starts soon."""
    return await _answer(request, AcceptBattle(battle_id=battle_id), "accept")


@commands.post(
    "/battles/{battle_id}/decline",
    status_code=202,
    summary="Decline a challenge",
    response_model=Accepted,
    openapi_extra=WITHOUT_BODY,
)
async def decline_battle(request: Request, battle_id: BattlePath) -> Response:
    """Decline a challenge on behalf of the caller's constellation."""
    return await _answer(request, DeclineBattle(battle_id=battle_id), "decline")


@commands.post(
    "/battles/{battle_id}/withdraw",
    status_code=202,
    summary="Withdraw a challenge",
    response_model=Accepted,
    openapi_extra=WITHOUT_BODY,
)
async def withdraw_challenge(request: Request, battle_id: BattlePath) -> Response:
    """Withdraw a challenge of the caller's constellation, which no one has accepted yet. Both sides are free again."""
    return await _answer(request, WithdrawChallenge(battle_id=battle_id), "withdraw")


@queries.get(
    "/battles/{battle_id}", summary="Battle", dependencies=[visible(SOCIAL_BATTLES)], response_model=BATTLE_ANSWER
)
async def get_battle(api: ApiDep, battle_id: BattlePath) -> Response:
    """Return a battle, with the scores of both sides."""
    position, raw = await stored(api, SOCIAL_BATTLES, battle_id, "battle")
    return json_answer({**BATTLE.load(battle_id, raw), "position": position})


@queries.get(
    "/constellations/{constellation_id}/battles",
    summary="Battles of a constellation",
    dependencies=[visible(SOCIAL_BATTLES)],
    response_model=BATTLES_ANSWER,
)
async def get_battles(api: ApiDep, constellation_id: ConstellationPath) -> Response:
    """Return the newest 50 battles and challenges of a constellation, newest first."""
    _, raw = await stored(api, SOCIAL_CONSTELLATIONS, constellation_id, "constellation")
    listed = Constellation.load(raw).battles
    position, found = await api.tables.get_many(SOCIAL_BATTLES.name, [(one, one) for one in listed])
    battles: list[JsonValue] = [
        BATTLE.load(one, row) for one, row in zip(listed, found, strict=True) if row is not None
    ]
    return json_answer({"position": str(position), "constellation_id": constellation_id, "battles": battles})


@feeds.get("/battles", summary="Battles")
async def follow_battles(
    api: ApiDep,
    battle: Annotated[
        list[Annotated[str, Query(pattern=ID_PATTERN)]], Query(max_length=100, description="only these")
    ] = [],  # noqa: B006 - FastAPI copies it
    last_event_id: LastEventId = None,
) -> FeedResponse:
    """Follow battles with their live scores: some, or all."""
    keys = [(one, one) for one in battle] or None
    view = RowsView(api.hub.tables, SOCIAL_BATTLES.name, BATTLE.load, keys=keys)
    return await open_feed(api, BATTLES_FEED, view, last_event_id)


_COMMAND = only(Role.USER, Scope.ACCOUNT)

API: Final = DomainApi(
    title="Battles",
    description="Battles between constellations.",
    routers=(commands, queries, feeds),
    feeds=(BATTLES_FEED,),
    commands={
        ChallengeBattle: AcceptedCommand(Challenge, WhenDelayed.ACCEPT),
        AcceptBattle: AcceptedCommand(None, WhenDelayed.ACCEPT),
        DeclineBattle: AcceptedCommand(None, WhenDelayed.ACCEPT),
        WithdrawChallenge: AcceptedCommand(None, WhenDelayed.ACCEPT),
    },
    permissions={
        ("POST", "/v1/battles"): _COMMAND,
        ("POST", "/v1/battles/{battle_id}/accept"): _COMMAND,
        ("POST", "/v1/battles/{battle_id}/decline"): _COMMAND,
        ("POST", "/v1/battles/{battle_id}/withdraw"): _COMMAND,
        ("GET", "/v1/battles/{battle_id}"): PUBLIC,
        ("GET", "/v1/constellations/{constellation_id}/battles"): PUBLIC,
        ("GET", "/v1/feed/battles"): PUBLIC,
    },
)
