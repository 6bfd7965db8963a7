"""A collector of a test: takes spans by OTLP over HTTP and decodes them with the generated classes of OpenTelemetry."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message

PATH = "/v1/traces"
OK = 200


@dataclass(frozen=True)
class Seen:
    """A span as the collector has it."""

    service: str
    name: str
    kind: str
    trace_id: str
    span_id: str
    parent_id: str
    start_ns: int
    end_ns: int
    attributes: dict[str, Any]
    links: tuple[tuple[str, str], ...]
    failed: bool
    sampled: bool


@dataclass
class Collector:
    """What arrived.

    Attributes:
        url: Where to send spans.
        status: The status of answers.
        headers: The headers of the last request.
        received: How many bytes of spans arrived.
        decodes: Whether to decode them; a benchmark counts them only.
    """

    url: str = ""
    status: int = OK
    headers: dict[str, str] = field(default_factory=dict)
    spans: list[Seen] = field(default_factory=list)
    received: int = 0
    decodes: bool = True

    def take(self, body: bytes) -> None:
        """Take a request."""
        self.received += len(body)
        if self.decodes:
            self.spans += decoded(body)

    def of(self, trace_id: str) -> list[Seen]:
        """Return the spans of a trace."""
        return [span for span in self.spans if span.trace_id == trace_id]


def decoded(body: bytes) -> Sequence[Seen]:
    """Return the spans of a request.

    Raises:
        DecodeError: it is not such a message.
    """
    request = ExportTraceServiceRequest.FromString(body)
    return [
        _seen(str(values(resource.resource.attributes)["service.name"]), span)
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _seen(service: str, span: Message) -> Seen:
    return Seen(
        service=service,
        name=span.name,
        kind=Message.SpanKind.Name(span.kind).removeprefix("SPAN_KIND_"),
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        start_ns=span.start_time_unix_nano,
        end_ns=span.end_time_unix_nano,
        attributes=values(span.attributes),
        links=tuple((link.trace_id.hex(), link.span_id.hex()) for link in span.links),
        failed=span.status.code == 2,
        sampled=span.flags & 1 == 1,
    )


def values(attributes: Any) -> dict[str, Any]:
    """Return attributes as a dictionary."""
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


@contextmanager
def collecting(*, decodes: bool = True) -> Iterator[Collector]:
    """Run a collector on a free port."""
    collector = Collector(decodes=decodes)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            collector.headers = dict(self.headers)
            if collector.status == OK and self.path == PATH:
                collector.take(body)
            self.send_response(collector.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        collector.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield collector
        finally:
            server.shutdown()
            thread.join()
