"""`GET /v1/trace` and `GET /v1/tables/{table}/why`: the events around an event, and those behind a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query
from faust_redis.log import Log
from pydantic import BaseModel, Field
from starlette.responses import Response

from api.kit.audited import ASKED
from api.kit.callers import Caller
from api.kit.context import ApiDep
from api.kit.openapi import problems
from api.kit.parameters import AuditReason
from api.kit.problems import NOT_FOUND, Problem
from streams import lineage
from streams.events import AnyEvent
from streams.ids import time_of
from streams.lineage import Found
from streams.search_bounds import Bounds, offsets_at
from streams.times import Instant
from tables.domains import TOPOLOGY

EACH: Final = 5_000
"""The records of each partition that a trace reads: from before the event's time on, or else the newest."""
EARLIER_MS: Final = 60_000
"""So long before the event's time a trace begins: its causes, and clocks that differ."""
EVENTS_MAX: Final = 500
TRACE_S: Final = 10.0
FETCH_RECORDS: Final = 200
"""Records in one step of a trace: about 2 ms of this process, between which requests and feeds go on."""

router = APIRouter(prefix="/v1", tags=["Stats"], responses=problems(401, 403, 422, 503))

TablePath = Annotated[
    str, Path(pattern=ASKED["table"], description="a table's name", examples=["gamification-progress"])
]
RowKey = Annotated[str, Query(pattern=ASKED["key"], description="the row's key", examples=["trader-1"])]
Cut = Annotated[
    list[str], Field(description="each bound that stopped the search early; empty when the search read everything")
]


class PlacedEvent(BaseModel):
    """An event and its place in the log."""

    topic: str
    partition: int
    offset: int
    event: Annotated[dict[str, Any], Field(description="the event's envelope (CloudEvents) with its data")]


class TraceAnswer(BaseModel):
    """The events of one chain, each once. A chain may be deeper than JSON can be nested, so the answer has no tree."""

    event: Annotated[str, Field(description="the id of the event that was asked for")]
    events: Annotated[
        list[PlacedEvent],
        Field(description="by topic, partition and offset; the cause of each is its `causationid`"),
    ]
    cut: Cut


class Cause(BaseModel):
    """A cause of an event: with its place and envelope, or its id alone, when the log has it not."""

    topic: str | None = None
    partition: int | None = None
    offset: int | None = None
    event: dict[str, Any] | None = None
    gone: Annotated[str | None, Field(description="the id of a cause that was not found")] = None


class CausingEvent(PlacedEvent):
    """An event that changed a row, and its causes: the nearest first, back to the request."""

    causes: list[Cause]


class RowMoved(BaseModel):
    """A change of the number of partitions, and where the row was afterwards."""

    at: Annotated[Instant, Field(description="when it had ended")]
    partition_count: Annotated[int, Field(description="the number of partitions afterwards")]
    moved_to: Annotated[
        list[int], Field(description="the partitions that had the row then, of those whose rows came from this one")
    ]


class BehindPartition(BaseModel):
    """The events that changed the row in one partition, in the order of their processing.

    A change of the number of partitions ends it. What came later is in the partitions that the row moved to.
    """

    partition: int
    partition_count: Annotated[int, Field(description="the number of partitions at the time of these events")]
    resized: Annotated[RowMoved | None, Field(description="what ended this; null for the present")]
    missing: Annotated[list[str], Field(description="topics whose first events the log has removed")]
    differs: Annotated[
        bool, Field(description="the row does not follow from these events: earlier ones or other rules decided it")
    ]
    cut: Annotated[bool, Field(description="the search stopped before the last event")]
    events: list[CausingEvent]


class WhyAnswer(BaseModel):
    """The events behind a row, by partition; none when no event in the log changed it."""

    partitions: list[BehindPartition]
    cut: Cut


@router.get("/trace", summary="The events around an event", responses=problems(404))
async def get_trace(
    api: ApiDep,
    _: Caller,
    event: Annotated[
        str,
        Query(
            pattern=ASKED["event"],
            description="an event's id, its place (topic:partition@offset), or the id of a trace",
            examples=["astra.trading.commands.v1:2@1841"],
        ),
    ],
    _reason: AuditReason = None,
) -> TraceAnswer:
    """Return all events with the same first cause. For the staff; the audit log keeps who read it and why.

    The search reads 5,000 records of each partition, for at most 10 s. Where a partition has more, it begins a minute
    before the time of the event, or reads the newest records when the event's id has no time. `cut` lists the bounds
    that left something out. The command `astratrade trace` reads the whole log.
    """
    known = set(await api.log.topics())
    topics = [topic for topic in TOPOLOGY.topics if topic in known]
    with api.searches.alone():
        origin, chain, cut = await _search(api.log, topics, event)
    events = [PlacedEvent.model_validate(lineage.placed(found)) for found in lineage.once(chain)]
    return TraceAnswer(event=origin.id, events=events, cut=cut)


async def _search(log: Log, topics: Sequence[str], named: str) -> tuple[AnyEvent, list[Found], list[str]]:
    """Return the event that a text names, the events of its chain, and what the search left out.

    Raises:
        Problem: 404 when the event was not found.
    """
    bounds = Bounds(each=EACH, events=EVENTS_MAX, seconds=TRACE_S, fetch_records=FETCH_RECORDS)
    named_ms = time_of(named)
    if named_ms is not None:
        await _begin(log, topics, bounds, named_ms)
    origin = await lineage.origin_of(log, topics, named, _unseen, bounds)
    if origin is None and named_ms is not None:
        bounds.begin_at_newest()
        origin = await lineage.origin_of(log, topics, named, _unseen, bounds)
    if origin is None:
        left = "; ".join(bounds.cut)
        raise Problem(NOT_FOUND, f"no event {named!r} was found" + (f": {left}" if left else " in the log"))
    await _begin(log, topics, bounds, origin.time.milliseconds())
    chain = await lineage.chain_of(log, topics, origin, _unseen, bounds)
    if not _has(chain, origin.id):  # the times of the log do not ascend there
        bounds.begin_at_newest()
        chain = await lineage.chain_of(log, topics, origin, _unseen, bounds)
    if not _has(chain, origin.correlationid or origin.id):
        bounds.miss_earlier()
    return origin, chain, bounds.cut


def _has(chain: Sequence[Found], event_id: str) -> bool:
    return any(found.event.id == event_id for found in chain)


async def _begin(log: Log, topics: Sequence[str], bounds: Bounds, time_ms: int) -> None:
    since_ms = max(0, time_ms - EARLIER_MS)
    bounds.begin_at(await offsets_at(log, topics, since_ms), since_ms)


@router.get("/tables/{table}/why", summary="The events behind a row", response_model=WhyAnswer, responses=problems(404))
async def get_why(api: ApiDep, _: Caller, table: TablePath, key: RowKey, _reason: AuditReason = None) -> Response:
    """Return the events that changed a row, each with its causes. For the staff; the audit log keeps who asked and why.

    A process beside the API folds the domain's topics from the beginning of the log, for at most 10 s and 500 events.
    `cut` lists the bounds that stopped it early. The command `astratrade why` has no bounds. A row that a resize has
    moved is followed from its former partition.
    """
    table_of(table)
    with api.searches.alone():
        return Response(await api.searches.behind(table, key), media_type="application/json")


def table_of(name: str) -> Any:
    """Return the declaration of a table.

    Raises:
        Problem: 404 when there is none.
    """
    if name not in {table.name for table in TOPOLOGY.tables}:
        raise Problem(NOT_FOUND, f"there is no table {name!r}; /v1/pipeline/topology lists them")
    return TOPOLOGY.table(name)


def _unseen(_read: int) -> None:
    """Show no progress: the answer comes at the end."""
