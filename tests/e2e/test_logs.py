"""The log of real processes as JSON: each line is an object, names what it is about, and names no user."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.children import Child
from tests.e2e.fills import fill
from tests.e2e.pipeline import Pipeline
from tests.e2e.planted import VICTIMS
from tests.e2e.waiting import eventually

USER, READER = VICTIMS[0], "reader-of-others"
SETTINGS = {"ASTRA_LOG_FORMAT": "json", "ASTRA_LOG_KEY": "one key for all processes, 32 bytes"}
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACED = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-00"}


def lines(child: Child) -> list[dict[str, Any]]:
    return [json.loads(line) for line in child.output().splitlines()]


def failures(worker: Child) -> list[dict[str, Any]]:
    return [line for line in lines(worker) if "cannot be processed" in line["message"]]


@pytest.mark.slow
def test_every_line_of_api_and_worker_is_an_object_that_names_event_and_trace_and_no_user(tmp_path: Path) -> None:
    with Pipeline(tmp_path, workers=0, api=False) as pipeline:
        api = pipeline.start_api(**SETTINGS, ASTRA_LOG_LEVEL="debug")
        planted = [sys.executable, "-m", "tests.e2e.planted", "bug"]
        worker = pipeline.start_worker(program=planted, **SETTINGS, ASTRA_LOG_LEVEL="debug")
        pipeline.wait_until_ready()
        body = {"fills": [fill(USER)]}
        answer = pipeline.client("venue", "venue-1").post("/v1/fills", json=body, headers=TRACED)
        answer.raise_for_status()
        eventually(lambda: bool(failures(worker)), within_s=30, what="the fill's fact is a dead letter")
        pipeline.kill_server()
        pipeline.client("admin", READER).get(f"/v1/users/{USER}/positions", headers=TRACED)
        for child in (api, worker):
            child.stop()
        [failure], refused = failures(worker), [line for line in lines(api) if "request_id" in line]
        common = {"time", "level", "service", "logger", "message"}
        assert all(common <= set(line) for child in (api, worker) for line in lines(child))
        assert {line["service"] for line in lines(api)} == {"api"}
        assert {line["service"] for line in lines(worker)} == {"worker"}
        assert {line.get("domain") for line in lines(worker)} >= {"trading", "gamification", None}
        assert failure.items() >= {
            "level": "error", "domain": "gamification", "group": "astratrade-gamification",
            "topic": "astra.trading.events.v1", "trace_id": TRACE,
        }.items()  # fmt: skip
        assert {"partition", "offset", "event_id", "user"} <= set(failure)
        assert refused
        assert {line["trace_id"] for line in refused} >= {TRACE}
        assert failure["user"] not in {line.get("user") for line in refused}
        for child in (api, worker):
            assert USER not in child.output()
            assert READER not in child.output()
