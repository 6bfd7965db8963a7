"""The social standing of users: rating, followers, viral score, prestige. Public, except for private users."""

from __future__ import annotations

from typing import Any, Final

from starlette.responses import Response

from api.kit.callers import AudienceDep
from api.kit.context import ApiDep
from api.kit.domain import DomainApi
from api.kit.feeds.feed import Feed
from api.kit.feeds.public_form import PublicForm, PublicRows
from api.kit.feeds.reading import user_rows
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import LastEventId, Users, feed_router, open_feed
from api.kit.feeds.views import RowsView
from api.kit.parameters import UserPath, visible
from api.kit.projection import Projection
from api.kit.public import cut_to_hour
from api.kit.users import user_router, user_row
from api.permissions import PUBLIC
from tables.social_people import SOCIAL_PEOPLE, Person

PERSON: Final = Projection(
    Person,
    "Person",
    "The social standing of a user.",
    key={"user_id": str},
    omit=("registered_at", "private", "suspended", "reports", "contents_day", "contents_today"),
    rename={"rating": "rating_millionths"},
    describe={
        "rating_millionths": "0 to 100,000,000: the social rating in millionths of a point",
        "viral_tenths": "the viral scores of all contents, in tenths of a point",
        "prestige": "bronze, silver or gold; null before",
        "closed": "the account is closed, and its counts are gone",
    },
)
PERSON_ANSWER: Final = PERSON.answer("PersonAnswer", "A user's social standing, and the position it is true for.")
PEOPLE_FEED: Final[Feed[Any]] = Feed(name="people", follows=SOCIAL_PEOPLE, read=user_rows(PERSON))

queries, feeds = user_router(), feed_router()


def public_person(row: dict[str, Any]) -> dict[str, Any]:
    """Return what the public sees of a person: the time is cut to the hour."""
    return {**row, "updated_at": cut_to_hour(row["updated_at"])} if "updated_at" in row else row


@queries.get(
    "/{user_id}/social",
    summary="Social standing",
    dependencies=[visible(SOCIAL_PEOPLE)],
    response_model=PERSON_ANSWER,
)
async def get_person(api: ApiDep, user_id: UserPath, audience: AudienceDep) -> Response:
    """Return a user's social standing. A private user is unknown here to everyone else."""
    return await user_row(api, SOCIAL_PEOPLE, PERSON, user_id, public=(audience, public_person))


@feeds.get("/people", summary="Social standings")
async def follow_people(
    api: ApiDep,
    audience: AudienceDep,
    users: Users = [],  # noqa: B006 - FastAPI copies it
    last_event_id: LastEventId = None,
) -> FeedResponse:
    """Follow the social standing of some users, or of all. Private users are left out."""
    keys = [(user_id, user_id) for user_id in users] or None
    public = PublicRows(PublicForm(public_person), audience)
    view = RowsView(api.hub.tables, SOCIAL_PEOPLE.name, PERSON.load, keys=keys, public=public)
    return await open_feed(api, PEOPLE_FEED, view, last_event_id, audience)


API: Final = DomainApi(
    title="People",
    description="The social standing of users.",
    routers=(queries, feeds),
    feeds=(PEOPLE_FEED,),
    permissions={
        ("GET", "/v1/users/{user_id}/social"): PUBLIC,
        ("GET", "/v1/feed/people"): PUBLIC,
    },
)
