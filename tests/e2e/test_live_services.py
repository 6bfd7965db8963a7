"""`GET /v1/services` lists the processes that live: a killed or paused one disappears within its lease."""

import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from tables.domains import TOPOLOGY
from tests.e2e.children import Child
from tests.e2e.pipeline import LEASE_MS, Pipeline
from tests.e2e.waiting import eventually

GONE_S = LEASE_MS / 1_000 + 2.0
"""The lease, and the time that a loaded machine takes to look."""

OTHERS = [name for name in TOPOLOGY.names if name != "trading"]


def services(pipeline: Pipeline) -> list[dict[str, Any]]:
    answer = pipeline.client("admin", "operator").get("/v1/services")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["services"]
    return found


def domains(pipeline: Pipeline) -> list[tuple[str, list[str]]]:
    return [(one["kind"], one["domains"]) for one in services(pipeline) if one["ready"]]


@pytest.mark.heavy
def test_each_process_is_listed_while_it_lives(tmp_path: Path) -> None:
    with Pipeline(tmp_path, workers=0) as pipeline:
        trading = pipeline.start_worker("trading")
        others = pipeline.start_worker(*OTHERS)
        api, first = ("api", [*TOPOLOGY.names]), ("worker", ["trading"])
        second = ("worker", OTHERS)
        pipeline.wait_until_ready()
        relay = pipeline.start("relay", "relay")

        def listed(*expected: tuple[str, list[str]]) -> bool:
            return sorted(domains(pipeline)) == sorted((*expected, ("relay", [])))

        eventually(lambda: listed(api, first, second), within_s=30, what="all four are ready")
        found = services(pipeline)
        assert (
            len({one["rulebook"] for one in found if one["kind"] != "relay"})
            == len({one["version"] for one in found})
            == 1
        )
        for one in found:
            assert httpx.get(f"http://{one['address']}/readyz").status_code == 200, one
            assert 0 <= one["lease_ms"] <= LEASE_MS

        trading.pause()
        eventually(lambda: listed(api, second), within_s=GONE_S, what="the paused worker is gone")
        trading.resume()
        eventually(lambda: listed(api, first, second), within_s=30, what="the paused worker is back")
        kill(trading)
        eventually(lambda: listed(api, second), within_s=GONE_S, what="the killed worker is gone")
        assert others.stop()
        assert relay.stop()
        assert [one["kind"] for one in services(pipeline)] == ["api"], "a worker that ends withdraws its lease"


@pytest.mark.heavy
def test_an_api_that_is_killed_is_gone_and_one_that_ends_withdraws(tmp_path: Path) -> None:
    with Pipeline(tmp_path, workers=0) as pipeline:
        pipeline.wait_until_listening()
        first = pipeline.api
        [before] = eventually(lambda: services(pipeline), within_s=10, what="the API is listed")
        assert before["address"] == pipeline.url.removeprefix("http://")
        kill(first)
        pipeline.start_api()
        pipeline.wait_until_listening()

        def replaced() -> bool:
            found = services(pipeline)
            return len(found) == 1 and found[0]["name"] != before["name"]

        eventually(replaced, within_s=GONE_S, what="only the new API is listed")


def test_only_staff_sees_the_addresses(running: Pipeline) -> None:
    assert running.client("user", "ada").get("/v1/services").status_code == 403
    assert httpx.get(f"{running.url}/v1/services").status_code == 401


def kill(child: Child) -> None:
    child.ended_by_us = True
    child.popen.send_signal(signal.SIGKILL)
    child.popen.wait(10)
