"""Spans as the product records them, when they are over, and the names of their attributes.

The names are those of OpenTelemetry's semantic conventions, version 1.44.0. Another version changes this file alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Final, NamedTuple, Protocol

from streams.trace_context import SpanRef

SCHEMA_URL: Final = "https://opentelemetry.io/schemas/1.44.0"
LINKS_MAX: Final = 32
"""Most links of a span. Links beyond it are counted in the attribute LINKS_DROPPED."""

HTTP_METHOD: Final = "http.request.method"
HTTP_ROUTE: Final = "http.route"
HTTP_STATUS: Final = "http.response.status_code"
ERROR_TYPE: Final = "error.type"
SYSTEM: Final = "messaging.system"
DESTINATION: Final = "messaging.destination.name"
PARTITION: Final = "messaging.destination.partition.id"
GROUP: Final = "messaging.consumer.group.name"
OPERATION: Final = "messaging.operation.name"
OPERATION_TYPE: Final = "messaging.operation.type"
MESSAGE_ID: Final = "messaging.message.id"
MESSAGE_COUNT: Final = "messaging.batch.message_count"

OFFSET: Final = "astratrade.offset"
FEED: Final = "astratrade.feed"
WEBHOOK: Final = "astratrade.webhook"
ATTEMPT: Final = "astratrade.attempt"
DEAD_LETTER: Final = "astratrade.dead_letter"
BLOCK: Final = "astratrade.block"
BATCH: Final = "astratrade.batch"
TRANSACTION: Final = "astratrade.transaction"
LINKS_DROPPED: Final = "astratrade.links_dropped"

REDIS_STREAMS: Final = "redis_streams"
KAFKA: Final = "kafka"

Attributes = Mapping[str, str | int | bool]


def of_event(operation: str, topic: str, event_id: str, system: str = REDIS_STREAMS) -> dict[str, str | int | bool]:
    """Return the attributes of the span of an event that is created or sent."""
    return {
        SYSTEM: system,
        DESTINATION: topic,
        OPERATION: operation,
        OPERATION_TYPE: operation,
        MESSAGE_ID: event_id,
    }


class Kind(IntEnum):
    """The kind of a span, with the numbers of OTLP."""

    SERVER = 2
    CLIENT = 3
    PRODUCER = 4
    CONSUMER = 5


class Span(NamedTuple):
    """A span that is over.

    Attributes:
        name: Its name, with few different values.
        kind: Its kind.
        ref: Its trace and its id.
        parent_id: The id of its parent; empty for the root of a trace.
        start_ns: When it began, Unix nanoseconds.
        end_ns: When it ended.
        attributes: Its attributes. None names a user.
        links: Further spans that led to it.
        error: What kind of error it ended in; empty when it succeeded.
    """

    name: str
    kind: Kind
    ref: SpanRef
    parent_id: str
    start_ns: int
    end_ns: int
    attributes: Attributes
    links: Sequence[SpanRef] = ()
    error: str = ""


class Spans(Protocol):
    """Takes spans. A process without traces has None instead."""

    @property
    def dropped(self) -> int:
        """Return how many spans were dropped, because too many waited or the collector did not take them."""

    def now_ns(self) -> int:
        """Return the time, Unix nanoseconds."""

    def samples(self, trace_id: str | None = None) -> bool:
        """Return whether a new trace is to be recorded: by lot, or where its id is known already, by this id."""

    def new_id(self) -> str:
        """Return a new span id."""

    def add(self, span: Span) -> None:
        """Take a span. Any thread may call this. It returns at once and drops the span when too many wait."""
