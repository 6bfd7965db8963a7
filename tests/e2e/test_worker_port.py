"""A worker's own port: probes and metrics that follow its work, and answers while a domain stalls."""

import re
import sys
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tables.domains import TOPOLOGY
from tests.bench.synthetic import write_fills
from tests.e2e.children import Child
from tests.e2e.drained import wait_until_drained
from tests.e2e.pipeline import Pipeline
from tests.e2e.waiting import eventually

FILLS = 60
DRAIN_S = 60.0
OF_FILLS = {"trading", "gamification", "financial"}
"""Domains that process events of each fill."""
SCRAPE_S = 5.0


def port_of(worker: Child) -> httpx.Client:
    """Return a client of a worker's port, once the worker has logged its address."""
    found = eventually(
        lambda: re.search(r"probes and metrics at (http://\S+)", worker.output()), within_s=60, what="the worker's port"
    )
    return httpx.Client(base_url=found[1], timeout=SCRAPE_S, trust_env=False, verify=False)


def sample(client: httpx.Client, name: str, **labels: str) -> float:
    """Return the sum of a metric's samples with these labels."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    return sum(
        one.value
        for family in families
        for one in family.samples
        if one.name == name and labels.items() <= one.labels.items()
    )


@pytest.mark.heavy
def test_metrics_move_with_the_fills_that_a_worker_processes_and_no_other_gets_its_port(tmp_path: Path) -> None:
    file = write_fills(tmp_path / "fills.csv", fills=FILLS, users=6)
    with Pipeline(tmp_path, workers=1) as pipeline, port_of(pipeline.workers[0]) as client:
        live, ready = client.get("/livez"), client.get("/readyz")
        assert (live.status_code, live.json()["status"]) == (200, "live")
        assert (ready.status_code, ready.json()["status"]) == (200, "ready")
        assert ready.json()["domains"].keys() == set(TOPOLOGY.names)
        assert client.get("/nothing").status_code == 404
        assert sample(client, "astra_worker_events_total", domain="financial") == 0
        assert_a_port_in_use_is_refused_in_one_line(pipeline, client.base_url.port)

        pipeline.run("replay", str(file))
        wait_until_drained(pipeline, commands=FILLS, within_s=DRAIN_S)
        for domain in OF_FILLS:
            assert sample(client, "astra_worker_events_total", domain=domain) >= FILLS
            assert sample(client, "astra_worker_commit_seconds_count", domain=domain) > 0
            assert sample(client, "astra_worker_rebalances_total", domain=domain) >= 1
            assert sample(client, "astra_worker_events_in_flight", domain=domain) == 0
            assert sample(client, "astra_worker_writes_pending", domain=domain) == 0
        assert sample(client, "astra_worker_dead_letters_total") == 0

        pipeline.kill_server()
        away = client.get("/readyz")
        assert (away.status_code, client.get("/livez").status_code) == (503, 200)
        pipeline.restart_server()
        eventually(lambda: client.get("/readyz").is_success, within_s=DRAIN_S, what="ready with the broker back")


@pytest.mark.heavy
def test_a_blocked_domain_is_reported_while_the_port_answers(tmp_path: Path) -> None:
    file = write_fills(tmp_path / "fills.csv", fills=FILLS, users=20)
    planted = (sys.executable, "-m", "tests.e2e.planted", "stall")
    with Pipeline(tmp_path, workers=0) as pipeline:
        worker = pipeline.start_worker(program=planted, ASTRA_REBALANCE_MS="2000")
        pipeline.wait_until_listening()
        with port_of(worker) as client:
            eventually(lambda: client.get("/readyz").is_success, within_s=DRAIN_S, what="ready")
            pipeline.start("replay", "replay", str(file))
            stuck = eventually(
                lambda: None if (answer := client.get("/livez")).is_success else answer.json(),
                within_s=DRAIN_S,
                what="the probe names the blocked domain",
            )
            assert stuck["stuck"] == ["gamification"]
            unready = eventually(
                lambda: None if (answer := client.get("/readyz")).is_success else answer.json(),
                within_s=DRAIN_S,
                what="the blocked domain loses its lease",
            )
            assert {name: one["ready"] for name, one in unready["domains"].items()} == {
                name: name != "gamification" for name in TOPOLOGY.names
            }
            worker.ask()
            eventually(
                lambda: client.get("/readyz").json()["status"] == "stopping", within_s=10, what="it says that it stops"
            )


def assert_a_port_in_use_is_refused_in_one_line(pipeline: Pipeline, port: int | None) -> None:
    second = pipeline.start("second", "worker", ASTRA_WORKER_PORT=str(port))
    eventually(lambda: second.exit_code is not None, within_s=30, what="the second worker ends")
    assert second.exit_code == 1
    [line] = second.output().splitlines()
    assert re.fullmatch(rf"astratrade: ASTRA_WORKER_PORT={port} on \S+ cannot be used: .*", line)
    second.ended_by_us = True
