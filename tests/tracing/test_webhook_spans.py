"""Each attempt to deliver an event of a sampled trace is a span, and each failed attempt of any trace."""

from __future__ import annotations

import httpx
import pytest

from streams.connect.webhooks.sender import Sender
from streams.connect.webhooks.store import Delivery, Webhook
from streams.events import encode
from streams.spans import Kind
from streams.trace_context import span_of
from tests.tracing.test_batch_spans import Recorded, command
from tests.unit.streams.test_lineage import REQUEST

HOOK = Webhook("hook-1", "venue-1", "https://venue.example/in", b"", frozenset(), "venue")


class Kept:
    """One delivery, and what became of it."""

    def __init__(self, delivery: Delivery) -> None:
        self._due, self.failures = [delivery], list[str]()

    async def due(self, *_: object) -> list[Delivery]:
        return self._due

    async def delivered(self, _: Delivery) -> None:
        self._due.clear()

    async def failed(self, _: Delivery, error: str, __: int) -> bool:
        self.failures.append(error)
        return False


async def deliver(body: bytes, status: int | Exception, spans: Recorded) -> Kept:
    """Try a delivery for the third time; the receiver answers with a status, or not at all."""

    def answer(_: httpx.Request) -> httpx.Response:
        if isinstance(status, Exception):
            raise status
        return httpx.Response(status)

    store = Kept(Delivery(HOOK.id, "event-1", "type", body, 2))
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as client:
        sender = Sender(store, client, lambda _: "whsec_c2VjcmV0", lambda: 0, spans)  # type: ignore[arg-type]
        await sender.send_due({HOOK.id: HOOK})
    return store


@pytest.mark.parametrize("flags", ["00", "01"])
@pytest.mark.parametrize(("status", "error"), [
    (204, ""), (302, "302"), (500, "500"), (httpx.ConnectError("to 10.0.0.1"), "ConnectError"),
    (TimeoutError(), "TimeoutError"),
])  # fmt: skip
async def test_attempts_of_sampled_traces_and_all_failures_are_recorded(
    status: int | Exception, error: str, flags: str
) -> None:
    event, spans = command(flags=flags), Recorded()
    store = await deliver(encode(event), status, spans)
    assert len(store.failures) == bool(error)
    if flags == "00" and not error:
        assert spans.spans == []
        return
    [span] = spans.spans
    parent = span_of(event.traceparent or "")
    assert (span.name, span.kind, span.error) == ("deliver webhook", Kind.CLIENT, error)
    assert (span.ref.trace_id, span.parent_id, span.links) == (parent.trace_id, parent.span_id, (parent,))
    assert span.attributes.get("http.response.status_code") == (status if isinstance(status, int) else None)
    assert span.attributes["astratrade.attempt"] == 3
    assert HOOK.url not in str(span)
    assert "10.0.0.1" not in str(span)


async def test_an_event_without_a_trace_is_not_recorded() -> None:
    spans = Recorded()
    await deliver(encode(REQUEST), 500, spans)
    assert spans.spans == []
