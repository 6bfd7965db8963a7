"""The social standing of users: rating, followers, viral score, prestige. Public, except for private users."""

from __future__ import annotations

from typing import Any, Final

from api.kit.domain import DomainApi
from api.kit.projection import Projection
from api.kit.public import cut_to_hour
from api.kit.public_user_rows import PublicUserRows
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


def public_person(row: dict[str, Any]) -> dict[str, Any]:
    """Return what the public sees of a person: the time is cut to the hour."""
    return {**row, "updated_at": cut_to_hour(row["updated_at"])} if "updated_at" in row else row


PEOPLE: Final = PublicUserRows(
    ("social", "people"),
    SOCIAL_PEOPLE,
    PERSON,
    public_person,
    title="Social standing",
    doc="The social standing of a user.",
)
API: Final = DomainApi(
    title="People",
    description="The social standing of users.",
    routers=PEOPLE.routers,
    feeds=(PEOPLE.feed,),
    permissions=PEOPLE.permissions,
)
