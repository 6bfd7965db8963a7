"""The doctor finds faults of a real server, and says how to fix them."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

import orjson
import pytest
from click.testing import CliRunner
from faust_redis.admin.doctor import Finding
from faust_redis.log import Log, Record, TopicSpec
from faust_redis.log.scripts import RESIZE

from deploy.admin.doctor import machine
from deploy.admin.doctor.capacity import HOUR_MS
from deploy.admin.doctor.server import configured_findings, server_findings
from deploy.admin.secret import FILE, installation_secret
from deploy.cli.main import cli
from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary
from deploy.settings import Settings
from tables.domains import TOPOLOGY


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[Log]:
    """Return a log on a server of this test's own, whose configuration the test may break."""
    with EmbeddedServer(tmp_path, find_binary()) as server:
        log = Log(server.url, "astra")
        yield log
        await log.close()


async def examine(log: Log) -> dict[str, Finding]:
    return {finding.name: finding async for finding in configured_findings(log.url, Settings(broker_url=log.url))}


async def test_a_sound_server_is_found_sound(own: Log) -> None:
    await own.create_topic(TopicSpec("t", 2))
    await own.append([Record("t", 0, b"k", b"v", 1)])
    found = await examine(own)
    assert {finding.level for finding in found.values()} == {"ok"}
    assert found["partitions"].found == "2, the keys of each agree"


async def test_a_full_server_is_found_by_the_rate_of_its_log(own: Log) -> None:
    topic = TOPOLOGY.topics[0]
    await own.create_topic(TopicSpec(topic, 1, retention_ms=1_000))
    await own.append([Record(topic, 0, b"k", b"v" * 100_000, 1)])
    await own.trim(topic, [0], 1)
    assert "younger than an hour" in (await examine(own))["capacity"].found
    seconds, _ = await own.redis.time()
    before = seconds * 1_000 - 2 * HOUR_MS
    await own.redis.lset(own.keys.marks(topic, 0), 0, f"{before}:1")
    assert (await examine(own))["capacity"].level == "ok"
    await own.redis.config_set("maxmemory", "5mb")
    finding = (await examine(own))["capacity"]
    assert (finding.level, "ASTRA_RETENTION_MS" in finding.remedy) == ("warn", True)


async def test_a_server_full_of_rows_is_found_and_no_shorter_retention_is_advised(own: Log) -> None:
    topic, rows = TOPOLOGY.topics[0], "rows"
    await own.create_topic(TopicSpec(topic, 1, retention_ms=1_000))
    await own.create_topic(TopicSpec(rows, 1, "compact"))
    await own.append([Record(topic, 0, b"k", b"v", 1), Record(rows, 0, b"k", b"v" * 1_000_000, 1)])
    await own.trim(topic, [0], 1)
    seconds, _ = await own.redis.time()
    await own.redis.lset(own.keys.marks(topic, 0), 0, f"{seconds * 1_000 - 2 * HOUR_MS}:1")
    await own.redis.config_set("maxmemory", "2mb")
    finding = (await examine(own))["capacity"]
    assert (finding.level, "a shorter retention removes no rows" in finding.remedy) == ("warn", True), finding


async def test_a_user_who_may_not_measure_memory_is_told_which_one_may(own: Log) -> None:
    await own.redis.execute_command("ACL", "SETUSER", "default", "-memory")
    await own.create_topic(TopicSpec(TOPOLOGY.topics[0], 1))
    finding = (await examine(own))["capacity"]
    assert (finding.level, "astratrade-operator" in finding.remedy) == ("warn", True)


async def test_an_evicting_server_fails(own: Log) -> None:
    await own.redis.config_set("maxmemory-policy", "allkeys-lru")
    finding = (await examine(own))["broker"]
    assert finding.level == "fail"
    assert "CONFIG SET maxmemory-policy noeviction" in finding.found


async def test_a_server_that_keeps_nothing_fails(own: Log) -> None:
    await own.redis.config_set("appendonly", "no")
    finding = (await examine(own))["persistence"]
    assert (finding.level, finding.remedy) == ("fail", "CONFIG SET appendonly yes")


async def test_a_stream_written_by_something_else_fails(own: Log) -> None:
    await own.create_topic(TopicSpec("t", 1))
    await own.redis.xadd(own.keys.stream("t", 0), {"a": "b"})
    finding = (await examine(own))["partitions"]
    assert finding.level == "fail"
    assert "t:0: the stream ends at" in finding.found
    assert "astratrade topics repair t 0" in finding.remedy


async def test_a_row_that_was_tampered_with_fails(own: Log) -> None:
    await own.create_topic(TopicSpec("t", 1, "compact"))
    await own.append([Record("t", 0, b"k", b"v", 1)])
    await own.redis.hset(own.keys.snapshot("t", 0), "k", "forged")
    finding = (await examine(own))["partitions"]
    assert finding.level == "fail"
    assert "1 rows of the snapshot differ from their last record: k" in finding.found


async def test_a_broker_that_is_not_there_fails() -> None:
    findings = [finding async for finding in configured_findings("unix:///nowhere/s", Settings())]
    assert findings[-1].level == "fail"


async def test_without_a_running_server_a_trial_start_is_made(tmp_path: Path) -> None:
    findings = [finding async for finding in server_findings(Settings(data_dir=tmp_path / "data"))]
    assert {finding.level for finding in findings} == {"ok"}
    assert "starts; none runs" in findings[0].found
    assert not (tmp_path / "data").exists()


async def test_a_server_that_cannot_be_embedded_fails(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, server_binary=tmp_path / "none")
    [finding] = [finding async for finding in server_findings(settings)]
    assert (finding.level, finding.name) == ("fail", "embedded server")


def test_a_secret_that_others_can_read_fails(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    installation_secret(settings)
    assert machine.secret(settings).level == "ok"
    (tmp_path / FILE).chmod(0o644)
    assert machine.secret(settings).remedy == f"chmod 600 {tmp_path / FILE}"


def test_a_full_disk_and_a_short_lease_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nearly_full = SimpleNamespace(free=machine.DISK_FAIL_BYTES - 1)
    monkeypatch.setattr("deploy.admin.doctor.machine.shutil.disk_usage", lambda _: nearly_full)
    assert machine.disk(tmp_path).level == "fail"
    assert machine.lease(Settings(lease_ms=1000, heartbeat_ms=300)).level == "warn"


def test_the_status_tells_whether_something_fails(tmp_path: Path) -> None:
    sound = CliRunner().invoke(cli, ["doctor", "--data-dir", str(tmp_path)])
    assert sound.exit_code == 0, sound.output
    broken = CliRunner().invoke(
        cli, ["doctor", "--data-dir", str(tmp_path)], env={"ASTRA_BROKER_URL": "unix:///nowhere/s"}
    )
    assert broken.exit_code == 1
    assert "fail broker" in broken.output


async def test_a_resize_that_ended_early_is_found(own: Log) -> None:
    await own.create_topic(TopicSpec("t", 2))
    wanted = orjson.dumps({"from": 2, "to": 4, "topics": ["t"]})
    await own.run(RESIZE, [own.keys.resize], [own.keys.prefix, "begin", "id", wanted])
    finding = (await examine(own))["resize"]
    assert finding.level == "fail"
    assert finding.remedy == "run 'astratrade partitions resize 2 4' again, which finishes it"
