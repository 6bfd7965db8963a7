"""The rows of the social domain in the oracle's shape."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from tables.social_constellations import RATING_NAME, Membership
from tables.social_people import FeedEntries, Follows, Interactions
from tables.typed import standings
from tests.community.compared.engine import Plain, Projection
from tests.community.oracle.feed import settled
from tests.community.oracle.social_numbers import PeopleNumbers

ENTRIES_KEPT: Final = PeopleNumbers().entries_kept


def whole(key: str, row: Any) -> Iterable[tuple[str, Plain]]:
    """Compare a row as it is."""
    yield key, row.as_json()


def interactions(key: str, row: Interactions) -> Iterable[tuple[str, Plain]]:
    """Compare the times of interactions. A user without any may have an empty row, where all were refused."""
    if row.times:
        yield key, row.as_json()


def answered(key: str, row: Follows) -> Iterable[tuple[str, Plain]]:
    """Compare the follows. None waits for an answer when all is quiet."""
    if row.followed:
        yield key, {other: _follow(follow.as_json()) for other, follow in row.followed.items()}


def _follow(row: Plain) -> Plain:
    waits = {name: row.pop(name) for name in ("request_id", "withdrawn")}
    return row if waits == {"request_id": "", "withdrawn": False} else {**row, **waits}


def contents(key: str, row: Any) -> Iterable[tuple[str, Plain]]:
    """Compare the contents by their ids."""
    if row.shared:
        yield key, row.as_json()["shared"]


def entries(key: str, row: FeedEntries) -> Iterable[tuple[str, Plain]]:
    """Compare a user's entries without `id` and `cause_id`: these are ids that the product derives in several steps."""
    shown = [{"at": one.at, "kind": one.kind, "text": one.text, "arguments": one.arguments} for one in row.entries]
    yield key, {"entries": settled(shown, ENTRIES_KEPT)}


def name(key: str, row: Any) -> Iterable[tuple[str, Plain]]:
    """Compare the claim of a name under the name itself."""
    yield key.removeprefix("name:"), row.as_json()


def rating(key: str, raw: bytes) -> Iterable[tuple[str, Plain]]:
    """Compare a constellation's place on the board of battle ratings."""
    for board, (_, score, reached_at) in standings(raw).items():
        yield key.partition("|")[2], {"rating" if board == RATING_NAME else board: score, "reached_at": reached_at}


def membership(key: str, row: Membership) -> Iterable[tuple[str, Plain]]:
    """Compare a membership. No reservation stands when all is quiet, so its state is `member`."""
    yield key, row.as_json()


TABLES: Final[dict[str, Projection]] = {
    "social-profiles": whole,
    "social-people": whole,
    "social-interactions": interactions,
    "social-follows": answered,
    "social-contents": contents,
    "social-feed": entries,
    "social-memberships": membership,
    "social-names": name,
    "social-constellations": whole,
    "social-rosters": whole,
    "social-ratings": rating,
    "social-battles": whole,
    "social-battle-points": whole,
    "social-battle-entries": whole,
    "social-battle-trades": whole,
}
NOT_COMPARED: Final = {
    "social-deadlines": "bookkeeping: what ticks have to do later",
    "social-processed": "ids of processed events, on Kafka only",
}
