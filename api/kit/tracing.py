"""Record the spans of an API process: requests, the events that they append, and what feeds deliver."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Final, NamedTuple

from faust_redis.log import TopicPartition
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.kit.feeds.change import Change
from api.kit.request_identity import current, method_of, route_of
from streams import spans as names
from streams.spans import Attributes, Kind, Span, Spans
from streams.trace_context import SpanRef, is_sampled, span_id_of, span_of

DELIVERIES_MAX: Final = 8
"""Recorded deliveries of one event by one process, since thousands of clients may follow a public feed."""

PROBES: Final = frozenset({"/livez", "/readyz", "/healthz"})
"""Routes whose answer 503 is no failure."""

OTHER_METHOD: Final = "_OTHER"
"""The name that OpenTelemetry gives to a method which is not known. The span's name then begins with HTTP."""


class TraceRequests:
    """Records each sampled request, and each request that fails on our side."""

    def __init__(self, app: ASGIApp, spans: Spans) -> None:
        self.app = app
        self._spans = spans

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and record it when it is over."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start_ns, status = self._spans.now_ns(), int(HTTPStatus.INTERNAL_SERVER_ERROR)

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = int(message["status"])
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            self._record(scope, start_ns, status)

    def _record(self, scope: Scope, start_ns: int, status: int) -> None:
        identity, route = current.get(), route_of(scope)
        failed = status >= HTTPStatus.INTERNAL_SERVER_ERROR and route not in PROBES
        if identity is None or not (failed or is_sampled(identity.traceparent)):
            return
        method = method_of(scope, OTHER_METHOD)
        name = f"{'HTTP' if method == OTHER_METHOD else method} {route}"
        attributes: Attributes = {names.HTTP_METHOD: method, names.HTTP_ROUTE: route, names.HTTP_STATUS: status}
        self._spans.add(
            Span(
                name, Kind.SERVER, span_of(identity.traceparent), identity.parent_id, start_ns, self._spans.now_ns(),
                attributes, error=str(status) if failed else "",
            )
        )  # fmt: skip


def record_sends(
    spans: Spans, traceparent: str, sent: Iterable[tuple[str, TopicPartition, int]], start_ns: int
) -> None:
    """Record that a request appended events, given by id, partition and offset. Each is a span of its own."""
    request, end_ns = span_of(traceparent), spans.now_ns()
    for event_id, tp, offset in sent:
        place: Attributes = {names.PARTITION: str(tp.partition), names.OFFSET: offset}
        attributes = {**names.of_event("send", tp.topic, event_id), **place}
        ref = SpanRef(request.trace_id, span_id_of(event_id))
        spans.add(Span(f"send {tp.topic}", Kind.PRODUCER, ref, request.span_id, start_ns, end_ns, attributes))


class Delivery(NamedTuple):
    """An event on its way to a client."""

    cause: SpanRef
    change: Change
    start_ns: int


class Deliveries:
    """Records how feeds of topics deliver the events of sampled traces. The rows of other feeds name no event."""

    def __init__(self, spans: Spans) -> None:
        self._spans = spans

    def begin(self, changes: Iterable[Change]) -> Sequence[Delivery]:
        """Return the deliveries to record, once the client has them."""
        found = []
        for change in changes:
            cause = change.sampled
            if cause is not None and change.deliveries < DELIVERIES_MAX:
                change.deliveries += 1
                found.append(Delivery(cause, change, self._spans.now_ns()))
        return found

    def end(self, feed: str, topic: str, deliveries: Iterable[Delivery]) -> None:
        """Record that the client's connection has taken the events."""
        end_ns = self._spans.now_ns()
        for cause, change, start_ns in deliveries:
            attributes: Attributes = {
                names.SYSTEM: names.REDIS_STREAMS,
                names.DESTINATION: topic,
                names.PARTITION: str(change.partition),
                names.OPERATION: "deliver",
                names.OPERATION_TYPE: "process",
                names.OFFSET: change.offset,
                names.FEED: feed,
            }
            ref = SpanRef(cause.trace_id, self._spans.new_id())
            self._spans.add(
                Span(f"deliver {feed}", Kind.CONSUMER, ref, cause.span_id, start_ns, end_ns, attributes, (cause,))
            )
