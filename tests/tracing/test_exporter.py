"""Spans are sent in batches, again while that may help, and never hold up the process."""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.errors import SettingsError
from deploy.run.tracing import tracing
from deploy.settings import Settings
from streams.connect.otlp import exporter as module
from streams.connect.otlp.exporter import CLOSE_S, Exporter
from streams.connect.otlp.settings import OtlpSettingsError, is_disabled, settings_of
from streams.spans import Kind, Span
from streams.trace_context import SpanRef
from tests.e2e.waiting import eventually
from tests.ports import free_port
from tests.tracing.collector import Collector, collecting

FAST = {"OTEL_BSP_SCHEDULE_DELAY": "20", "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": "10"}
SLACK_S = 20
"""What a busy machine may add to a limit."""


def span(number: int) -> Span:
    return Span(f"span {number}", Kind.CLIENT, SpanRef("a" * 32, f"{number + 1:016x}"), "", 1, 2, {})


@contextmanager
def exporting(url: str, **variables: str) -> Iterator[Exporter]:
    settings = settings_of({**FAST, "OTEL_EXPORTER_OTLP_ENDPOINT": url, **variables})
    found = Exporter(settings, {"service.name": "test"}, "1", 1)
    found.start()
    try:
        yield found
    finally:
        found.close()


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as found:
        yield found


def test_all_spans_arrive_once_and_the_last_ones_when_the_process_ends(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "CLOSE_S", 30.0)  # a busy machine may need longer than a process waits for
    with exporting(collector.url, OTEL_BSP_SCHEDULE_DELAY="60000", OTEL_EXPORTER_OTLP_HEADERS="x-key=a%20b") as spans:
        for number in range(25):
            spans.add(span(number))
        eventually(lambda: len(collector.spans) >= 20, within_s=10, what="two full batches are sent")
    assert [each.name for each in collector.spans] == [f"span {number}" for number in range(25)]
    assert collector.headers["x-key"] == "a b"
    assert collector.spans[0].service == "test"


def test_a_collector_that_is_away_for_a_moment_gets_all(collector: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRIES", (0.05,) * 100)
    collector.status = 503
    with exporting(collector.url) as spans:
        spans.add(span(1))
        time.sleep(0.2)
        collector.status = 200
        eventually(lambda: bool(collector.spans), within_s=10, what="the span is sent again")
        assert spans.dropped == 0


def test_lost_spans_are_counted_and_logged_once(collector: Collector, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, module.__name__)
    collector.status = 400
    with exporting(collector.url) as spans:
        for number in range(25):
            spans.add(span(number))
        eventually(lambda: spans.dropped == 25, within_s=10, what="all are lost")
        collector.status = 200
        spans.add(span(26))
        eventually(lambda: bool(collector.spans), within_s=10, what="the next one arrives")
        eventually(lambda: len(caplog.messages) == 2, within_s=10, what="both are logged")
    lost, again = caplog.messages
    assert lost == f"spans are lost: status 400 by the collector at {collector.url}/v1/traces"
    assert again == "the collector takes spans again; 25 were lost"


def test_spans_that_would_wait_in_too_great_a_number_are_dropped() -> None:
    limits = {"OTEL_BSP_MAX_QUEUE_SIZE": "3", "OTEL_BSP_SCHEDULE_DELAY": "60000"}
    with exporting(f"http://127.0.0.1:{free_port()}", **limits) as spans:
        for number in range(10):
            spans.add(span(number))
        assert spans.dropped == 7


def test_a_process_ends_soon_while_its_collector_is_away() -> None:
    began = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with exporting(url, OTEL_EXPORTER_OTLP_TIMEOUT=str(10 * SLACK_S)) as spans:
            spans.add(span(1))
        assert time.monotonic() - began < CLOSE_S + SLACK_S


@pytest.mark.parametrize("ratio", [0.0, 0.1, 1.0])
def test_the_part_of_sampled_traces_is_the_ratio(ratio: float) -> None:
    spans = Exporter(settings_of({}), {}, "1", ratio)
    assert sum(spans.samples() for _ in range(10_000)) == pytest.approx(10_000 * ratio, abs=200)


def test_the_variables_of_opentelemetry_are_read() -> None:
    found = settings_of({
        "OTEL_EXPORTER_OTLP_ENDPOINT": "https://collector:4318/base/", "OTEL_EXPORTER_OTLP_HEADERS": "a=1, b=2",
        "OTEL_EXPORTER_OTLP_TRACES_HEADERS": "c=3", "OTEL_EXPORTER_OTLP_TIMEOUT": "3",
        "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_EXPORTER_OTLP_CERTIFICATE": "/etc/ca.pem",
        "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=staging", "OTEL_SERVICE_NAME": "mine",
        "OTEL_BSP_MAX_QUEUE_SIZE": "9",
    })  # fmt: skip
    assert found.endpoint == "https://collector:4318/base/v1/traces"
    assert (found.headers, found.timeout_s, found.certificate, found.queue_max) == ({"c": "3"}, 3, "/etc/ca.pem", 9)
    assert found.resource == {"deployment.environment.name": "staging", "service.name": "mine"}
    assert settings_of({}) == replace(settings_of({}), endpoint="http://localhost:4318/v1/traces", headers={})
    assert settings_of({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x/y"}).endpoint == "http://x/y"
    assert is_disabled({"OTEL_SDK_DISABLED": "TRUE"})
    assert not is_disabled({})


@pytest.mark.parametrize(("variable", "value"), [
    ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:hunter2@collector"),
    ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2"),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "0"), ("OTEL_BSP_SCHEDULE_DELAY", "soon"),
])  # fmt: skip
def test_a_value_that_is_not_accepted_is_named_by_its_variable_and_not_shown(variable: str, value: str) -> None:
    with pytest.raises(OtlpSettingsError, match=variable) as caught:
        settings_of({variable: value})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_a_process_that_cannot_read_its_authorities_does_not_start(
    content: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_CERTIFICATE", str(file))
    with pytest.raises(SettingsError, match="OTEL_EXPORTER_OTLP_CERTIFICATE"), tracing(Settings(trace_sample=1), "api"):
        pytest.fail("spans would be lost without a word")
