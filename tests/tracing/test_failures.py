"""What fails is recorded although its trace is not sampled; a process without traces sends and loads nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.fills import fill
from tests.e2e.pipeline import Pipeline
from tests.e2e.planted import VICTIMS
from tests.e2e.waiting import eventually
from tests.source import PYTHON_PATH
from tests.tracing.collector import collecting
from tests.tracing.traced import TRACE, settings

USER = VICTIMS[0]
TRACED = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
ALMOST_NEVER = "0.0000000001"


@pytest.mark.slow
def test_a_dead_letter_and_a_failed_request_are_recorded_and_nothing_else(tmp_path: Path) -> None:
    """The client's flag does not decide, since anyone may send it."""
    with collecting() as collector, Pipeline(tmp_path, workers=0, api=False) as pipeline:
        planted = [sys.executable, "-m", "tests.e2e.planted", "bug"]
        pipeline.start_worker(program=planted, **settings(collector, ALMOST_NEVER))
        pipeline.start_api(**settings(collector, ALMOST_NEVER))
        pipeline.wait_until_ready()
        body = {"fills": [fill(USER)]}
        pipeline.client("venue", "venue-1").post("/v1/fills", json=body, headers=TRACED).raise_for_status()
        eventually(lambda: bool(collector.spans), within_s=60, what="the dead letter is recorded")
        pipeline.kill_server()
        pipeline.client("user", "ada").get("/v1/users/ada/positions", headers=TRACED)
        eventually(lambda: len(collector.spans) > 1, within_s=30, what="the failed request is recorded")
        letter, request = collector.spans
        assert letter.name == "process astra.trading.events.v1"
        assert letter.attributes["messaging.consumer.group.name"] == "astratrade-gamification"
        assert letter.attributes["error.type"] == "ZeroDivisionError"
        assert (request.name, request.attributes["error.type"]) == ("GET /v1/users/{user_id}/positions", "503")
        assert all(span.failed and span.trace_id == TRACE for span in collector.spans)
        assert all(USER not in str(span) for span in collector.spans)


def test_a_process_without_traces_does_not_load_the_exporter() -> None:
    program = (
        "import sys; from deploy.run.tracing import tracing; from deploy.settings import Settings\n"
        "import deploy.run.api, deploy.run.worker, deploy.run.relay, deploy.run.clock, deploy.run.webhooks\n"
        "with tracing(Settings(), 'api') as spans: assert spans is None\n"
        "print(sorted(name for name in sys.modules if 'otlp.exporter' in name or 'otlp.encoding' in name))"
    )
    run = subprocess.run(
        [sys.executable, "-c", program], env={"PYTHONPATH": PYTHON_PATH}, capture_output=True, text=True, check=True
    )
    assert run.stdout.strip() == "[]"
