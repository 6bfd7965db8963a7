"""The span of a request has few different names, whatever the client sends."""

from __future__ import annotations

import httpx
import pytest
from starlette.responses import PlainTextResponse

from api.kit.request_identity import NameRequests
from api.kit.tracing import TraceRequests
from tests.tracing.test_batch_spans import Recorded


@pytest.mark.parametrize(("sent", "name", "method"), [
    ("GET", "GET", "GET"), ("DELETE", "DELETE", "DELETE"),
    ("BOB-AT-EXAMPLE", "HTTP", "_OTHER"), ("get", "HTTP", "_OTHER"),
])  # fmt: skip
async def test_a_method_that_is_none_of_http_is_not_repeated_in_a_span(sent: str, name: str, method: str) -> None:
    spans = Recorded()
    app = NameRequests(TraceRequests(PlainTextResponse("done"), spans), spans.samples)
    transport = httpx.ASGITransport(app)
    request = httpx.Request(sent, "http://api/")
    request.method = sent  # httpx writes it in capitals
    async with httpx.AsyncClient(transport=transport) as client:
        await client.send(request)
    [span] = spans.spans
    assert span.name == f"{name} (none)"
    assert span.attributes["http.request.method"] == method
