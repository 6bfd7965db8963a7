"""The envelope of every event: CloudEvents 1.0 in JSON mode, with partitioning, correlation and tracing extensions.

Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
"""

from __future__ import annotations

from typing import Annotated, Generic, Literal, Self, TypeVar

import msgspec
from msgspec.structs import replace

from streams.events.base import EventData
from streams.ids import ID_CHARS, derived_id
from streams.times import MILLISECOND_US, Instant
from streams.trace_context import FLAG_SAMPLED, at_event
from streams.wire import written

DataT_co = TypeVar("DataT_co", bound=EventData, covariant=True)
NewT = TypeVar("NewT", bound=EventData)

EventId = Annotated[str, msgspec.Meta(min_length=ID_CHARS, max_length=ID_CHARS)]
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=256)]
RulesVersion = Annotated[int, msgspec.Meta(ge=1)]


class Event(msgspec.Struct, Generic[DataT_co], frozen=True, kw_only=True, omit_defaults=True, gc=False):
    """One event or command and its origin.

    Attributes:
        subject: The aggregate: a trade, a user, a market.
        time: Event time (`occurred_at`). It decides periods, streaks and windows.
        partitionkey: The partition key: the user id, or for prices the market.
        correlationid: The id of the command at the start of the chain.
        causationid: The id of the event that this one follows from.
        traceparent: W3C trace context: of this event when its trace is sampled, else of the request.
        rulesversion: Version of the rule book under which the event was decided; None when its producer named none.
    """

    specversion: Literal["1.0"] = written("1.0")
    id: EventId
    source: Text
    type: Text
    subject: Text
    time: Instant
    partitionkey: Text
    correlationid: EventId | None = None
    causationid: EventId | None = None
    traceparent: Text | None = None
    rulesversion: RulesVersion | None = None
    data: DataT_co

    @staticmethod
    def first(
        data: NewT,
        *,
        event_id: str,
        time: Instant,
        key: str,
        rules_version: int | None,
        subject: str = "",
        correlationid: str = "",
        traceparent: str | None = None,
    ) -> Event[NewT]:
        """Return an event without a cause, such as a command or a price. `traceparent` is that of its request."""
        return Event(
            specversion="1.0",
            id=event_id,
            source=data.event_source,
            type=data.type_name,
            subject=subject or key,
            time=time,
            partitionkey=key,
            correlationid=correlationid or event_id,
            traceparent=at_event(traceparent, event_id),
            rulesversion=rules_version,
            data=data,
        )

    def then(self, data: NewT, *, subject: str = "", name: str = "", key: str = "") -> Event[NewT]:
        """Return an event that follows from this one: same time, rules and key, unless `key` says another.

        Its id is derived from this id, its type and `name`; `name` tells several events of one type apart.
        """
        key = key or self.partitionkey
        event_id = derived_id(self.time // MILLISECOND_US, self.id, data.type_name, name)
        traceparent = self.traceparent
        if traceparent is not None and traceparent[-1] == FLAG_SAMPLED:  # few are, so most save the call
            traceparent = at_event(traceparent, event_id)
        return Event(
            specversion="1.0",
            id=event_id,
            source=data.event_source,
            type=data.type_name,
            subject=subject or key,
            time=self.time,
            partitionkey=key,
            correlationid=self.correlationid or self.id,
            causationid=self.id,
            traceparent=traceparent,
            rulesversion=self.rulesversion,
            data=data,
        )

    def under(self, rules_version: int) -> Self:
        """Return this event with another rules version. Events that follow from it name that version too."""
        return self if self.rulesversion == rules_version else replace(self, rulesversion=rules_version)


AnyEvent = Event[EventData]
