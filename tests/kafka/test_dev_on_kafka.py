"""`astratrade` with a kafka:// ASTRA_BROKER_URL: one command runs everything; commands for Redis alone say so."""

from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from deploy.cli.main import cli
from deploy.errors import DeployError
from tests.integration.deploy.test_dev import END_S, Dev

pytestmark = pytest.mark.kafka


@pytest.mark.heavy
def test_one_command_runs_it_all_on_kafka_and_stops_clean(tmp_path: Path, bootstrap: str) -> None:
    dev = Dev(tmp_path / "data", broker_url=f"kafka://{bootstrap}")
    try:
        url = dev.until(r"dashboard +(http://\S+)/")[1]
        dev.until(rf"broker +kafka://{bootstrap}")
        dev.until(r"views +unix://")
        assert httpx.get(f"{url}/healthz").is_success
        dev.process.terminate()
        assert dev.process.wait(END_S) == 0
    finally:
        dev.close()


def test_commands_that_need_redis_say_so_on_kafka(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASTRA_BROKER_URL", "kafka://127.0.0.1:1")
    error = CliRunner().invoke(cli, ["dead-letters", "list"]).exception
    assert isinstance(error, DeployError)
    assert "no dead letters on Kafka" in str(error)


def test_a_bridge_where_the_broker_is_redis_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASTRA_BROKER_URL", "redis://127.0.0.1:1")
    error = CliRunner().invoke(cli, ["bridge"]).exception
    assert isinstance(error, DeployError)
    assert "no kafka:// URL" in str(error)
