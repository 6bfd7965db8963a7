"""What users did that others may see: a user's own entries, and those of all whom a user follows, merged."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from api.kit.audience import Audience
from api.kit.callers import AudienceDep
from api.kit.context import Api, ApiDep
from api.kit.cursor import CURSOR_CHARS_MAX
from api.kit.domain import DomainApi
from api.kit.openapi import problems
from api.kit.parameters import OwnUser
from api.kit.problems import UNKNOWN_CURSOR, Problem
from api.kit.projection import PositionText, Projection
from api.kit.public import cut_to_hour
from api.kit.public_user_rows import PublicUserRows
from api.kit.sealing import SealError
from api.permissions import OWNED
from streams.times import Instant
from tables.social_people import SOCIAL_FEED, SOCIAL_FOLLOWS, FeedEntries, FeedEntry, Follows

LIMIT_DEFAULT = 50
LIMIT_MAX = 200

ENTRY: Final = Projection(
    FeedEntry,
    "FeedEntry",
    "Something that a user did.",
    omit=("cause_id",),
    describe={"text": "the key of a text, whose gaps `arguments` fill"},
)
ENTRIES: Final = Projection(
    FeedEntries, "FeedEntries", "The newest entries of a user.", key={"user_id": str}, nested=(ENTRY,)
)

own = APIRouter(prefix="/v1/users", responses=problems(400, 401, 403, 422, 503))


class MergedEntry(BaseModel):
    """An entry of the merged feed."""

    user_id: str
    id: str
    at: Instant
    kind: Annotated[str, Field(examples=["level_up"])]
    text: Annotated[str, Field(description="the key of a text, whose gaps `arguments` fill")]
    arguments: dict[str, str]


class MergedFeed(BaseModel):
    """The newest entries of a user and of all whom the user follows, newest first."""

    user_id: str
    position: PositionText
    entries: list[MergedEntry]
    next_cursor: Annotated[str | None, Field(description="continues with older entries; null when there are none")]


def public_entries(row: dict[str, Any]) -> dict[str, Any]:
    """Return what the public sees of entries: their times are cut to the hour."""
    if "entries" not in row:
        return row
    return {**row, "entries": [{**one, "at": cut_to_hour(one["at"])} for one in row["entries"]]}


ACTIVITY: Final = PublicUserRows(
    ("activity", "activity"),
    SOCIAL_FEED,
    ENTRIES,
    public_entries,
    title="Activity",
    doc="The newest entries of a user.",
)


@own.get("/{user_id}/feed", summary="Feed", response_model=MergedFeed)
async def get_feed(
    api: ApiDep,
    user_id: OwnUser,
    audience: AudienceDep,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT,
    cursor: Annotated[str | None, Query(max_length=CURSOR_CHARS_MAX)] = None,
) -> MergedFeed:
    """Return the entries of the user and of all whom the user follows, newest first. For the user, and for staff.

    Each followed user adds the newest entries only, as many as the rule book says. Private users are left out.
    """
    people = await followed(api, user_id)
    shown = [one for one in people if not audience.hides(one)]
    position, rows = await api.tables.get_many(SOCIAL_FEED.name, [(one, one) for one in shown])
    entries = _merged(shown, rows)
    if cursor is not None:
        before = _opened(api, user_id, cursor)
        entries = [one for one in entries if (one[1].at, one[1].id) < before]
    page = entries[:limit]
    more = None
    if len(entries) > limit:
        more = api.sealer.seal(_purpose(user_id), f"{page[-1][1].at}|{page[-1][1].id}")
    return MergedFeed(
        user_id=user_id,
        position=str(position),
        entries=[_public_entry(*one, user_id, audience) for one in page],
        next_cursor=more,
    )


async def followed(api: Api, user_id: str) -> list[str]:
    """Return a user and all whom the user follows, in the order of their ids."""
    _, raw = await api.tables.get(SOCIAL_FOLLOWS.name, user_id, owner=user_id)
    return list(followed_in(user_id, raw))


def followed_in(user_id: str, raw: bytes | None) -> tuple[str, ...]:
    """Return a user and all whom a stored row of the user's follows names, in the order of their ids."""
    follows = Follows() if raw is None else Follows.load(raw)
    return tuple(sorted({user_id, *(other for other, one in follows.followed.items() if one.stands)}))


def _merged(people: list[str], rows: list[bytes | None]) -> list[tuple[str, FeedEntry]]:
    """Return the entries of several people, newest first."""
    found = [
        (user_id, entry)
        for user_id, raw in zip(people, rows, strict=True)
        if raw is not None
        for entry in FeedEntries.load(raw).entries
    ]
    return sorted(found, key=lambda one: (one[1].at, one[1].id), reverse=True)


def _public_entry(author: str, entry: FeedEntry, user_id: str, audience: Audience) -> MergedEntry:
    """Return an entry as its reader sees it: times of others are cut to the hour, except for staff."""
    at = Instant(entry.at).text()
    if author != user_id and not audience.is_staff:
        at = cut_to_hour(at)
    return MergedEntry(
        user_id=author,
        id=entry.id,
        at=Instant.parse(at),
        kind=entry.kind,
        text=entry.text,
        arguments=entry.arguments,
    )


def _purpose(user_id: str) -> str:
    return f"feed|{user_id}"


def _opened(api: Api, user_id: str, cursor: str) -> tuple[int, str]:
    try:
        at, _, entry_id = api.sealer.open(_purpose(user_id), cursor).partition("|")
    except SealError:
        raise Problem(UNKNOWN_CURSOR, "this cursor was not given for this feed; start again without one") from None
    return int(at), entry_id


API: Final = DomainApi(
    title="Activity",
    description="What users did that others may see.",
    routers=(*ACTIVITY.routers, own),
    feeds=(ACTIVITY.feed,),
    permissions={
        **ACTIVITY.permissions,
        ("GET", "/v1/users/{user_id}/feed"): OWNED,
    },
)
