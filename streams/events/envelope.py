"""The envelope of every event: CloudEvents 1.0 in JSON mode, with partitioning, correlation and tracing extensions.

Source: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/spec.md
"""

from __future__ import annotations

from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, SerializeAsAny, StringConstraints

from streams.events.base import EventData
from streams.ids import derived_id
from streams.times import Instant

DataT_co = TypeVar("DataT_co", bound=EventData, covariant=True)
NewT = TypeVar("NewT", bound=EventData)

UUID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
EventId = Annotated[str, StringConstraints(pattern=UUID_PATTERN)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=256)]


class Event(BaseModel, Generic[DataT_co]):
    """One fact or command and where it came from.

    Attributes:
        subject: The aggregate: a trade, a user, a market.
        time: When it happened (`occurred_at`); decides periods, streaks and windows.
        partitionkey: The key that its topic is partitioned by: the user id, for prices the market.
        correlationid: The id of the command that everything began with.
        causationid: The id of the event that this one follows from.
        traceparent: W3C trace context, handed on.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"] = "1.0"
    id: EventId
    source: Text
    type: Text
    subject: Text
    time: Instant
    partitionkey: Text
    correlationid: EventId | None = None
    causationid: EventId | None = None
    traceparent: Text | None = None
    data: SerializeAsAny[DataT_co]

    @staticmethod
    def first(data: NewT, *, event_id: str, time: Instant, key: str, subject: str = "", **more: Any) -> Event[NewT]:
        """An event that follows from none: a command, a price. `more` may carry correlationid and traceparent."""
        more.setdefault("correlationid", event_id)
        return Event(
            id=event_id,
            source=f"astratrade/{data.domain}",
            type=data.event_type(),
            subject=subject or key,
            time=time,
            partitionkey=key,
            data=data,
            **more,
        )

    def then(self, data: NewT, *, subject: str = "", name: str = "", key: str = "") -> Event[NewT]:
        """The event that follows from this one, at the same time and under the same key unless `key` says another.

        Its id is derived from this id, its type and `name`; `name` tells several events of one type apart.
        """
        key = key or self.partitionkey
        return Event(
            id=derived_id(self.id, data.event_type(), name),
            source=f"astratrade/{data.domain}",
            type=data.event_type(),
            subject=subject or key,
            time=self.time,
            partitionkey=key,
            correlationid=self.correlationid or self.id,
            causationid=self.id,
            traceparent=self.traceparent,
            data=data,
        )


AnyEvent = Event[EventData]
