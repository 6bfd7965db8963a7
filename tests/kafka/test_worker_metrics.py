"""A worker on Kafka serves the metrics that Faust's own driver and the batch agents can report."""

from pathlib import Path

import pytest

from tests.bench.synthetic import write_fills
from tests.e2e.drained import wait_until_drained
from tests.e2e.test_worker_port import DRAIN_S, OF_FILLS, port_of, sample
from tests.kafka.pipeline import KafkaPipeline

pytestmark = pytest.mark.kafka

FILLS, USERS = 40, 4


@pytest.mark.heavy
def test_metrics_of_a_worker_on_kafka_move_with_its_work(tmp_path: Path, bootstrap: str) -> None:
    file = write_fills(tmp_path / "fills.csv", fills=FILLS, users=USERS)
    with KafkaPipeline(tmp_path, bootstrap) as pipeline, port_of(pipeline.workers[0]) as client:
        assert sample(client, "astra_worker_events_total") == 0
        pipeline.run("replay", str(file))
        wait_until_drained(pipeline, commands=FILLS, within_s=2 * DRAIN_S)
        for domain in OF_FILLS:
            assert sample(client, "astra_worker_events_total", domain=domain) >= FILLS
            assert sample(client, "astra_worker_batches_total", domain=domain, outcome="failed") == 0
            assert sample(client, "astra_worker_commit_seconds_count", domain=domain) > 0
            assert sample(client, "astra_worker_rebalances_total", domain=domain) >= 1
            assert sample(client, "astra_worker_recovery_seconds_count", domain=domain) >= 1
        assert "astra_worker_dead_letters_total{" not in client.get("/metrics").text, "absent, not zero"
