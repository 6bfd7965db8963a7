"""A change of an account from its request over the outbox to all domains and a webhook, and the ticks of the clock."""

from __future__ import annotations

import json
import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.auth import Role
from api.identity.accounts import create_account
from api.kit.clock import now
from deploy.admin.identity import opened_identity
from streams import topics
from tables.domains import TOPOLOGY
from tests.e2e.pipeline import Pipeline
from tests.e2e.waiting import eventually
from tests.observe.installation import Installation
from tests.support.aside import run_aside
from tests.tracing.collector import Collector, Seen, collecting
from tests.tracing.traced import CLIENT_SPAN, TRACE, by_id, events_of, settings

TRACED = {"traceparent": f"00-{TRACE}-{CLIENT_SPAN}-00"}
USER, SERVICE = "ada-of-the-traces", "partner-of-the-traces"
REGISTERED = "astra.user.AccountRegistered.v1"
DROPPED = re.compile(r"^astra_trace_spans_dropped_total ([0-9.]+)$", re.MULTILINE)
WITHIN_S = 60.0


@contextmanager
def receiving(*statuses: int) -> Iterator[str]:
    """Run a receiver of webhooks that answers with these statuses in turn. Yield its URL."""
    left = list(statuses)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(left.pop(0))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def traced_installation(directory: Path, receiver: str) -> Iterator[tuple[Installation, Collector]]:
    """Run all processes with all traces, and a webhook that takes registrations."""
    with collecting() as collector:
        every = settings(collector, ASTRA_WEBHOOKS_PRIVATE="true")
        with Installation(directory, small_disk=False, chain=None, **every) as installation:
            for job in installation.ports.keys() - {"webhooks"}:
                installation.start_job(job)
            installation.wait_until_ready()
            run_aside(create_service(installation))
            body = {"url": receiver, "types": [REGISTERED]}
            installation.client("service", SERVICE).post("/v1/account/webhooks", json=body).raise_for_status()
            installation.start_job("webhooks")
            eventually(lambda: leads(installation), within_s=WITHIN_S, what="the webhook is followed")
            yield installation, collector


async def create_service(pipeline: Pipeline) -> None:
    async with opened_identity(pipeline.identity_settings()) as (store, _), store.work(now()) as work:
        await create_account(work, username=SERVICE, role=Role.SERVICE, account_id=SERVICE)


def leads(installation: Installation) -> bool:
    try:
        answer = httpx.get(f"http://127.0.0.1:{installation.ports['webhooks']}/readyz", trust_env=False)
    except httpx.TransportError:
        return False
    return bool(answer.json()["status"] == "leads")


def register(pipeline: Pipeline, name: str) -> None:
    with pipeline.client_with(None) as client:
        body = {"username": name, "password": "walnut harbour trombone"}
        client.post("/v1/auth/register", json=body, headers=TRACED).raise_for_status()


def dropped(port: int) -> float:
    """Return how many spans a process has dropped."""
    found = DROPPED.search(httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False).text)
    assert found is not None
    return float(found[1])


@pytest.mark.slow
@pytest.mark.heavy
def test_a_change_of_an_account_is_one_trace_from_its_request_over_the_outbox_to_all_domains(tmp_path: Path) -> None:
    with receiving(500, 204) as url, traced_installation(tmp_path, url) as (installation, collector):
        register(installation, USER)
        eventually(lambda: len(of(collector, "deliver")) == 2, within_s=WITHIN_S, what="the retry has succeeded")
        readers = {group for group, read in TOPOLOGY.consumed("astratrade").items() if topics.USER_EVENTS in read}
        eventually(lambda: readers <= groups(collector.of(TRACE)), within_s=WITHIN_S, what="all domains have it")
        created = [span.attributes["messaging.message.id"] for span in of(collector, "create")]
        printed = [json.loads(installation.run("trace", event_id, "--format", "json")) for event_id in created]
        events = [event for trace in printed for event in events_of(trace)]
        eventually(
            lambda: {event.span_id for event in events} <= by_id(collector.of(TRACE)).keys(),
            within_s=WITHIN_S,
            what="all spans have arrived",
        )
        spans = by_id(collector.of(TRACE))
        assert_spans_are_the_events(spans, {event.span_id: event.cause for event in events})
        assert_attempts([span for span in spans.values() if span.name == "deliver webhook"], spans)
        assert all(name not in str(span) for name in (USER, SERVICE) for span in collector.spans)
        assert_ticks(collector)
        assert [dropped(port) for port in installation.ports.values()] == [0] * len(installation.ports)
        collector.status = 400
        register(installation, "bob-of-the-traces")
        busy = [port for job, port in installation.ports.items() if job != "webhooks"]
        eventually(lambda: all(map(dropped, busy)), within_s=WITHIN_S, what="each process counts lost spans")


def of(collector: Collector, operation: str) -> list[Seen]:
    return [span for span in collector.of(TRACE) if span.name.split()[0] == operation]


def groups(spans: list[Seen]) -> set[str]:
    return {str(span.attributes["messaging.consumer.group.name"]) for span in spans if span.name.startswith("process")}


def assert_spans_are_the_events(spans: dict[str, Seen], causes: dict[str, str]) -> None:
    """Check that each event is a span: the API creates and the relay sends it, or a worker sends it."""
    [request] = [span for span in spans.values() if span.kind == "SERVER"]
    assert (request.name, request.parent_id) == ("POST /v1/auth/register", CLIENT_SPAN)
    producers = {span_id: span for span_id, span in spans.items() if span.kind == "PRODUCER"}
    assert {id_: span.links[0][1] if span.links else "" for id_, span in producers.items()} == causes
    for span in producers.values():
        if span.links:
            assert (span.service, spans[span.parent_id].kind) == ("astratrade-worker", "CONSUMER")
            continue
        assert (span.name, span.service) == (f"create {topics.USER_EVENTS}", "astratrade-api")
        assert span.parent_id == request.span_id
        [sent] = [
            each for each in spans.values() if each.parent_id == span.span_id and each.service == "astratrade-relay"
        ]
        assert (sent.name, sent.kind, sent.links) == (
            f"send {topics.USER_EVENTS}", "CLIENT", ((TRACE, span.span_id),),
        )  # fmt: skip
        assert span.start_ns <= sent.start_ns


def assert_attempts(attempts: list[Seen], spans: dict[str, Seen]) -> None:
    """Check that each attempt to deliver the registration is a span below it."""
    first, second = sorted(attempts, key=lambda span: span.start_ns)
    assert [each.attributes["http.response.status_code"] for each in (first, second)] == [500, 204]
    assert [each.attributes["astratrade.attempt"] for each in (first, second)] == [1, 2]
    assert (first.failed, second.failed) == (True, False)
    assert first.attributes["error.type"] == "500"
    for attempt in attempts:
        assert (attempt.service, attempt.kind) == ("astratrade-webhooks", "CLIENT")
        assert spans[attempt.parent_id].attributes["messaging.message.id"] == attempt.attributes["messaging.message.id"]


def assert_ticks(collector: Collector) -> None:
    """Check that each tick is the root of a trace, in which each domain that reads the clock works on it."""
    ticks = [span for span in collector.spans if span.service == "astratrade-clock"]
    assert Counter(span.trace_id for span in ticks).most_common(1)[0][1] == 1
    readers = {group for group, read in TOPOLOGY.consumed("astratrade").items() if topics.CLOCK in read}
    for tick in ticks:
        assert (tick.name, tick.kind, tick.parent_id) == (f"send {topics.CLOCK}", "PRODUCER", "")
        assert tick.trace_id == str(tick.attributes["messaging.message.id"]).replace("-", "")
    assert any(
        groups([span for span in collector.of(tick.trace_id) if span.parent_id == tick.span_id]) == readers
        for tick in ticks
    )
