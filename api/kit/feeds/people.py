"""Feeds of certain people, whom the row of another table names. Such a feed ends when that row names others."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

from api.kit.context import Api
from api.kit.feeds.feed import Feed
from api.kit.feeds.permit import Lapse, Right
from api.kit.feeds.response import FeedResponse
from api.kit.feeds.routing import open_feed
from api.kit.feeds.subscriber import Subscriber
from api.kit.feeds.views import View
from streams.times import Instant

PENDING_MAX: Final = 100
"""More rows than a watched channel has."""

PeopleOf = Callable[[bytes | None], tuple[str, ...]]
"""Returns the people that a stored row names, in an order of its own; None is a row that does not exist."""


class NamedPeople:
    """The people that a row names, and the right to a feed of them: it ends when the row names others.

    Attributes:
        people: The people when the feed was opened.
    """

    def __init__(self, reader: Right, watched: Subscriber, people_of: PeopleOf, people: tuple[str, ...]) -> None:
        self.people = people
        self._reader = reader
        self._watched = watched
        self._people_of = people_of

    def lapsed(self, at: Instant) -> Lapse | None:
        """Return why the feed has to end at a time; None while it may go on."""
        if (why := self._reader.lapsed(at)) is not None:
            return why
        lost, changes = self._watched.lost, self._watched.take()
        others = any(self._people_of(change.record.value) != self.people for change in changes)
        return Lapse.CHANGED if others or lost is not None else None


async def open_people_feed(
    api: Api,
    feed: Feed[Any],
    view_of: Callable[[tuple[str, ...]], View],
    reader: Right,
    *,
    named_by: Feed[Any],
    key: str,
    people_of: PeopleOf,
) -> FeedResponse:
    """Open a feed of the people that a row names.

    It begins with a snapshot on each connection, because an earlier one may have shown other people.

    Args:
        api: The API.
        feed: The feed.
        view_of: Builds the reader's view of these people.
        reader: The reader's own right.
        named_by: The feed of the table that has the row.
        key: The row's key, which is its partition key, too.
        people_of: How the row names them.

    Raises:
        LogUnavailableError: when one of the topics cannot be read just now.
        TypeError: when `named_by` is no feed of a table.
    """
    table = named_by.follows
    if isinstance(table, str):
        raise TypeError(f"the feed {named_by.name} follows events; people are named by a row of a table")
    follower, watched = api.hub.followers[named_by.name], Subscriber(frozenset({key}), pending_max=PENDING_MAX)
    with ExitStack() as held:
        await follower.join(watched)  # before the row is read, so that no later change of it is missed
        held.callback(follower.leave, watched)
        _, raw = await api.hub.tables.get(table.name, key, owner=key)
        named = NamedPeople(reader, watched, people_of, people_of(raw))
        answer = await open_feed(api, feed, view_of(named.people), None, named)
        answer.session.held.push(held.pop_all())
        return answer
