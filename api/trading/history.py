"""A user's executions and rejections, newest first by query, and as a feed. They belong to the user."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from faust_redis.log import Log, StoredRecord, TopicPartition
from faust_redis.log.partitioner import partition_for
from pydantic import BaseModel, ConfigDict, Field

from api.kit.context import ApiDep
from api.kit.cursor import CURSOR_CHARS_MAX
from api.kit.feeds.reading import event_in_full, event_of
from api.kit.openapi import problems
from api.kit.own_events import OwnEvents
from api.kit.parameters import OwnUser
from api.kit.problems import UNKNOWN_CURSOR, Problem
from api.kit.sealing import Sealer, SealError
from streams.events.trading import (
    FillRejected,
    RiskAlert,
    TradeClosed,
    TradeExecuted,
    TradeLiquidated,
    TradeRejected,
)
from streams.times import Instant

EVENTS: Final = (TradeExecuted, TradeClosed, TradeLiquidated, TradeRejected, FillRejected, RiskAlert)
TYPES: Final = frozenset(model.event_type() for model in EVENTS)
TOPIC: Final = TradeExecuted.topic
LIMIT_DEFAULT = 50
LIMIT_MAX = 500
CHUNK_RECORDS = 1_000
SCANNED_RECORDS_MAX = 10_000
"""Records of the user's partition that one request reads at most."""

MY_TRADES: Final = OwnEvents(
    "my-trades",
    EVENTS,
    title="Your executions and rejections",
    doc="Follow the caller's executions, rejections and alerts, each once, with all their data.",
)

router = APIRouter(prefix="/v1/users", responses=problems(400, 401, 403, 422, 503))


class TradeEvent(BaseModel):
    """An execution, a rejection or an alert: an event of trading with all its data."""

    model_config = ConfigDict(extra="allow")

    event_id: str
    type: Annotated[str, Field(examples=["TradeExecuted"], description="the other members depend on it")]
    time: Instant
    user_id: str


class TradesAnswer(BaseModel):
    """A user's executions and rejections, newest first."""

    user_id: str
    trades: list[TradeEvent]
    next_cursor: Annotated[str | None, Field(description="continues with older events; null when there are none")]


@dataclass(frozen=True, slots=True)
class _Page:
    """Events, newest first, and the offset below which older ones may be; 0 when there are none."""

    rows: list[Any]
    below: int


@router.get("/{user_id}/trades", summary="Executions and rejections", response_model=TradesAnswer)
async def get_trades(
    api: ApiDep,
    user_id: OwnUser,
    limit: Annotated[int, Query(ge=1, le=LIMIT_MAX)] = LIMIT_DEFAULT,
    cursor: Annotated[str | None, Query(max_length=CURSOR_CHARS_MAX)] = None,
) -> dict[str, Any]:
    """Return a user's executions and rejections, newest first, as far back as the log keeps them.

    One request reads at most 10,000 records of the log. A page may have fewer rows than `limit`, or none. Follow
    `next_cursor` until it is null.
    """
    info = await api.log.topic(TOPIC, fresh=True)
    place = TopicPartition(TOPIC, partition_for(user_id.encode(), info.spec.partitions))
    begin = (await api.log.beginning_offsets(TOPIC))[place.partition]
    end = (await api.log.end_offsets(TOPIC))[place.partition]
    purpose = f"{TOPIC}@{info.incarnation}|{user_id}"
    below = end if cursor is None else _opened(api.sealer, purpose, cursor)
    page = await _read(api.log, place, user_id, begin=begin, below=min(below, end), limit=limit, sealer=api.sealer)
    more = None if page.below <= begin else api.sealer.seal(purpose, str(page.below))
    return {"user_id": user_id, "trades": page.rows, "next_cursor": more}


def _opened(sealer: Sealer, purpose: str, cursor: str) -> int:
    try:
        return int(sealer.open(purpose, cursor))
    except SealError:
        raise Problem(UNKNOWN_CURSOR, "this cursor was not given for these trades; start again without one") from None


async def _read(
    log: Log, place: TopicPartition, user_id: str, *, begin: int, below: int, limit: int, sealer: Sealer
) -> _Page:
    """Read a user's events below an offset, back to `begin`, until there are `limit` or enough records were read."""
    rows: list[Any] = []
    stop = max(begin, below - SCANNED_RECORDS_MAX)
    while below > stop:
        first = max(stop, below - CHUNK_RECORDS)
        for record in reversed(await _records(log, place, first, below)):
            event = event_of(record, TYPES) if record.key == user_id.encode() else None
            if event is not None:
                rows.append(event_in_full(event, sealer))
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
