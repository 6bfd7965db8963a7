"""A short slice of every part of the benchmark: that it runs, and that its figures are figures."""

from dataclasses import replace
from pathlib import Path

import pytest

from deploy.binary import find_binary
from deploy.embedded import EmbeddedServer
from tests.bench.agent_speed import Agent, measure_agent
from tests.bench.feed_speed import Audience, FeedLoad, measure_feed
from tests.bench.figures import figure, percentile
from tests.bench.http_load import content_length
from tests.bench.ingress_speed import FILLS, ORDER, Command, measure_ingress, measure_visibility
from tests.bench.machine import describe_machine
from tests.bench.payload import BYTES, events
from tests.bench.product_speed import measure_product
from tests.bench.restart_speed import measure_failover, measure_restarts


def test_events_have_the_stated_size_and_follow_from_the_seed() -> None:
    first, again, other = (list(events(50, seed)) for seed in (1, 1, 2))
    assert {len(value) for _, value in first} == {BYTES}
    assert first == again != other


def test_percentiles_are_values_that_occurred() -> None:
    values = [float(value) for value in range(1, 101)]
    assert [percentile(values, percent) for percent in (0, 50, 99, 100)] == [1, 50, 99, 100]
    assert percentile([7.0], 99) == 7
    assert str(figure([1.0, 3.0, 2.0])) == "2.00 (1.00 - 3.00, 3 runs)"


def test_the_length_of_an_answer_is_found_whatever_its_case() -> None:
    assert content_length(b"HTTP/1.1 202 Accepted\r\nContent-Length: 12\r\n\r\n") == 12
    with pytest.raises(ValueError, match="without a length"):
        content_length(b"HTTP/1.1 202 Accepted\r\n\r\n")


def test_the_machine_is_described() -> None:
    text = describe_machine()
    assert "cores" in text
    assert "faust-streaming" in text


@pytest.mark.parametrize("kind", ["stateless", "table"])
def test_a_slice_of_the_agents_speed(tmp_path: Path, kind: str) -> None:
    with EmbeddedServer(tmp_path, find_binary()) as server:
        speed = measure_agent(server, Agent(kind, "memory://", 1_000, 100), runs=1, seed=1)
    assert speed.per_second.median > 0


def test_a_slice_of_the_products_speed() -> None:
    assert measure_product(workers=1, fills=60, warm_up=10, runs=1, seed=1).per_second.median > 0


@pytest.mark.parametrize("command", [ORDER, replace(FILLS, batch=5)])
def test_a_slice_of_the_ingress_speed(command: Command) -> None:
    speed = measure_ingress(command, requests=50, runs=1, seed=1)
    assert speed.requests_per_second.median > 0
    assert speed.requests_per_core.median > 0


def test_a_slice_of_the_visibility() -> None:
    seen = measure_visibility(per_second=20, seconds=1, runs=1, seed=1)
    assert seen.visible_ms(50).median > 0


@pytest.mark.parametrize("through_a_worker", [True, False])
def test_a_slice_of_the_feeds_speed(*, through_a_worker: bool) -> None:
    load = FeedLoad(per_second=20, seconds=1, through_a_worker=through_a_worker)
    speed = measure_feed(Audience(subscribers=5, own=not through_a_worker, slow=2), load, runs=1, seed=1)
    assert speed.missed == 0
    assert speed.ms(50).median > 0


def test_a_slice_of_the_pauses_of_a_rolling_restart(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path, find_binary()) as server:
        speed = measure_restarts(server, rounds=1)
    assert speed.stop_ms.median > 0
    assert speed.start_ms.median > 0


def test_a_slice_of_the_failover(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path, find_binary()) as server:
        assert measure_failover(server, rounds=1, lease_s=1.0).total_ms.median > 500
