"""A user's events of a topic, newest first, by pages. Reads the user's partition backwards, then the former ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query
from faust_redis.log import Log, StoredRecord, TopicPartition
from pydantic import BaseModel, ConfigDict, Field

from api.kit.context import Api
from api.kit.cursor import CURSOR_CHARS_MAX
from api.kit.feeds.reading import event_in_full, event_of
from api.kit.former_partitions import Place, places_of
from api.kit.problems import UNKNOWN_CURSOR, Problem
from api.kit.sealing import Sealer, SealError
from streams.events.base import EventData
from streams.times import Instant

LIMIT_DEFAULT = 50
LIMIT_MAX = 500
CHUNK_RECORDS = 1_000
SCANNED_RECORDS_MAX = 10_000
"""Records of one of the user's partitions that a request reads at most."""
NOT_GIVEN = "this cursor was not given for this list; start again without one"

PageLimit = Annotated[int, Query(ge=1, le=LIMIT_MAX)]
PageCursor = Annotated[str | None, Query(max_length=CURSOR_CHARS_MAX)]
NextCursor = Annotated[str | None, Field(description="continues with older events; null when there are none")]


class OwnEvent(BaseModel):
    """An event of a user with all its data."""

    model_config = ConfigDict(extra="allow")

    event_id: str
    type: Annotated[str, Field(description="the other members depend on it")]
    time: Instant
    user_id: str


@dataclass(frozen=True, slots=True)
class _Page:
    """Events, newest first, and the offset below which older ones may be; 0 when there are none."""

    rows: list[Any]
    below: int


async def history_page(
    api: Api, models: Sequence[type[EventData]], user_id: str, *, limit: int, cursor: str | None
) -> tuple[list[Any], str | None]:
    """Return a user's events, newest first, and the cursor of older ones; None when there are none.

    One call reads a bounded number of records, so that a page may have fewer events than `limit`, or none.

    Args:
        api: The parts of the process.
        models: The classes of the events, all of one topic, whose key is the user.
        user_id: The user.
        limit: How many events to return at most.
        cursor: The cursor of an earlier page.

    Raises:
        Problem: 400 when the cursor was not given for these events.
    """
    [topic] = {model.topic for model in models}
    types = frozenset(model.event_type() for model in models)
    info = await api.log.topic(topic, fresh=True)
    places: Sequence[Place] = await places_of(api.log, topic, user_id, info.spec.partitions)
    purpose = f"{topic}@{info.incarnation}|{user_id}"
    if cursor is not None:
        places = _from(places, _opened(api.sealer, purpose, cursor))
    [place, *older] = places
    begin = (await api.log.beginning_offsets(topic))[place.partition]
    reading = _Reading(api.log, TopicPartition(topic, place.partition), user_id, types, api.sealer)
    page = await reading.read(begin, place.end, limit)
    following = [Place(place.partition, page.below)] if page.below > begin else older[:1]
    more = [api.sealer.seal(purpose, f"{one.partition}:{one.end}") for one in following]
    return page.rows, more[0] if more else None


def _from(places: Sequence[Place], cursor: Place) -> Sequence[Place]:
    """Return the places from a cursor on.

    Raises:
        Problem: 400 when the records of the user were never there.
    """
    for number, place in enumerate(places):
        if place.partition == cursor.partition:
            return [Place(place.partition, min(place.end, cursor.end)), *places[number + 1 :]]
    raise Problem(UNKNOWN_CURSOR, NOT_GIVEN)


def _opened(sealer: Sealer, purpose: str, cursor: str) -> Place:
    try:
        partition, _, end = sealer.open(purpose, cursor).partition(":")
        return Place(int(partition), int(end))
    except (SealError, ValueError):
        raise Problem(UNKNOWN_CURSOR, NOT_GIVEN) from None


@dataclass(frozen=True, slots=True)
class _Reading:
    """Reads the events of a user in one partition."""

    log: Log
    place: TopicPartition
    user_id: str
    types: frozenset[str]
    sealer: Sealer

    async def read(self, begin: int, below: int, limit: int) -> _Page:
        """Read events below an offset, back to `begin`, until there are `limit` or enough records were read."""
        rows: list[Any] = []
        stop = max(begin, below - SCANNED_RECORDS_MAX)
        while below > stop:
            first = max(stop, below - CHUNK_RECORDS)
            for record in reversed(await _records(self.log, self.place, first, below)):
                event = event_of(record, self.types) if record.key == self.user_id.encode() else None
                if event is not None:
                    rows.append(event_in_full(event, self.sealer))
                    if len(rows) == limit:
                        return _Page(rows, record.offset)
            below = first
        return _Page(rows, below)


async def _records(log: Log, place: TopicPartition, first: int, below: int) -> Sequence[StoredRecord]:
    """Return the records from `first` on and below an offset. Those that were trimmed meanwhile are left out."""
    found: list[StoredRecord] = []
    while first < below:
        records = (await log.fetch({place: first}, count=below - first)).get(place, [])
        if not records:
            break
        found += [record for record in records if record.offset < below]
        first = records[-1].offset + 1
    return found
