"""The main job on Kafka: fills through the API to Kafka, agents, bridge and back; what is served equals the oracle."""

from pathlib import Path

import pytest

from tests.e2e.test_equals_the_oracle import compare, finish, right_answer
from tests.kafka.pipeline import KafkaPipeline
from tests.oracle.synthetic import write_fills

pytestmark = pytest.mark.kafka

FILLS, USERS = 400, 30
DRAIN_S = 120.0


@pytest.fixture
def fills(tmp_path: Path) -> Path:
    """A made file: users in every partition, ties to break, trades over midnight."""
    return write_fills(tmp_path / "fills.csv", fills=FILLS, users=USERS)


def test_everything_served_on_kafka_equals_the_oracle(tmp_path: Path, bootstrap: str, fills: Path) -> None:
    right, count = right_answer(fills)
    with KafkaPipeline(tmp_path, bootstrap) as pipeline:
        finish(pipeline, pipeline.start("replay", "replay", str(fills)), count)
        compare(pipeline, right, page_rows=50)
