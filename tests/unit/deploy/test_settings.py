"""An error about a setting names it, the reason and the accepted values; a valid one is typed and frozen."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from deploy.errors import SettingsError
from deploy.settings import SECRET_FIELDS, Settings, load, variable


@pytest.fixture(autouse=True)
def no_settings_of_the_tester(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import os

    for name in [name for name in os.environ if name.startswith("ASTRA_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def test_without_any_setting_the_defaults_embed_a_server(tmp_path: Path) -> None:
    settings = load()
    assert settings.embedded
    assert settings.data_dir == tmp_path / "data"
    assert (settings.partitions, settings.workers, settings.api_port) == (4, "1", 8000)


HOUR_MS = 3_600_000


@pytest.mark.parametrize(
    ("broker", "archive", "place", "hours"),
    [
        (None, None, "data/archive", 6),
        (None, "off", None, 7 * 24),
        (None, "old", "old", 6),
        ("redis://broker", None, None, 7 * 24),
        ("redis://broker", "s3://bucket/old", "s3://bucket/old", 6),
        ("kafka://broker:9092", "old", None, 7 * 24),
    ],
)
def test_the_broker_keeps_events_for_hours_when_there_is_an_archive(
    tmp_path: Path, broker: str | None, archive: str | None, place: str | None, hours: int
) -> None:
    expected = place if place is None or "://" in place else str(tmp_path / place)
    for settings in (load(broker_url=broker, archive=archive), load(broker_url=broker, archive=archive).with_archive()):
        assert (settings.archive_url, settings.retention_ms) == (expected, hours * HOUR_MS)
    assert load(broker_url=broker, archive=archive, retention_ms=5_000).with_archive().retention_ms == 5_000


def test_environment_wins_over_the_file_and_arguments_over_both(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "astratrade.toml").write_text('partitions = 8\nworkers = 2\nnamespace = "from-file"\n')
    monkeypatch.setenv("ASTRA_WORKERS", "3")
    monkeypatch.setenv("ASTRA_PARTITIONS", "16")
    settings = load(partitions=32, workers=None)
    assert (settings.partitions, settings.workers, settings.namespace) == (32, "3", "from-file")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ASTRA_PARTITIONS", "0", "ASTRA_PARTITIONS=0 is not accepted: .*greater than.*1 to 1024"),
        ("ASTRA_PARTITIONS", "four", "ASTRA_PARTITIONS=four .*integer.*1 to 1024"),
        ("ASTRA_WORKERS", "0", "ASTRA_WORKERS=0 .*no process.*1 to 64"),
        ("ASTRA_WORKERS", "65", "ASTRA_WORKERS=65 .*more than 64 processes"),
        ("ASTRA_WORKERS", "trade=2", "'trade' is not a domain; the domains are trading, gamification, financial"),
        ("ASTRA_WORKERS", "trading:2", "'trading:2' is not a count such as trading=2"),
        ("ASTRA_BROKER_URL", "amqp://x", "ASTRA_BROKER_URL .*'amqp'.*redis://"),
        ("ASTRA_APPENDFSYNC", "no", "ASTRA_APPENDFSYNC=no .*everysec or always"),
        ("ASTRA_NAMESPACE", "Has Space", "ASTRA_NAMESPACE=Has Space .*a-z"),
        ("ASTRA_SECRET", "short", "ASTRA_SECRET is .*5 bytes.*at least 32 bytes"),
        ("ASTRA_GRAFANA_URL", "javascript:alert(1)", "ASTRA_GRAFANA_URL=javascript.*such as https://grafana"),
        ("ASTRA_PUBLIC_ORIGIN", "app.example.com", "ASTRA_PUBLIC_ORIGIN=app.example.com .*no.*https://app.example.com"),
        ("ASTRA_STARKNET_CHAIN_ID", "0x534e", "ASTRA_STARKNET_CHAIN_ID=0x534e .*capital letters.*SN_MAIN"),
        ("ASTRA_STARKNET_NODE_URL", "ws://node", "ASTRA_STARKNET_NODE_URL is .*neither http nor https"),
        ("ASTRA_STARKNET_NODE_URL", "http://node:port", "ASTRA_STARKNET_NODE_URL is .*its port is no number"),
        ("ASTRA_STARKNET_ACCOUNT_CLASSES", "braavos:0x1", "'braavos' is not one of openzeppelin, argent"),
        ("ASTRA_STARKNET_ACCOUNT_CLASSES", "argent:1", "expected 0x and 1 to 64 hexadecimal digits"),
        ("ASTRA_HEARTBEAT_MS", "9000", "ASTRA_HEARTBEAT_MS=9000 and ASTRA_LEASE_MS=10000 do not fit"),
        ("ASTRA_SHARDS", "65", "ASTRA_SHARDS=65 .*less than or equal to 64.*1 to 64"),
        ("ASTRA_BROKER_URL", "redis://[", "ASTRA_BROKER_URL"),
        ("ASTRA_SHARDS", "5", "ASTRA_PARTITIONS=4 is less than the 5 shards of the log"),
        ("ASTRA_PARTITION", "4", "ASTRA_PARTITION is not a setting; did you mean ASTRA_PARTITIONS?"),
        ("ASTRA_QQQQQQQ", "1", "ASTRA_QQQQQQQ is not a setting; docs/operations.md"),
        ("ASTRA_CONFIG", "/nowhere.toml", "ASTRA_CONFIG names '/nowhere.toml', which is not a file"),
    ],
)
def test_a_wrong_variable_says_which_why_and_what_is_accepted(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=says) as caught:
        load()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("toml", "says"),
    [
        ("partitons = 4", "'partitons' in astratrade.toml is not a setting; did you mean partitions?"),
        ("partitions = [", "astratrade.toml is not valid TOML"),
    ],
)
def test_a_wrong_file_says_where(tmp_path: Path, toml: str, says: str) -> None:
    (tmp_path / "astratrade.toml").write_text(toml)
    with pytest.raises(SettingsError, match=says):
        load()


def test_secrets_are_not_repeated_in_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASTRA_BROKER_URL", "amqp://user:hunter2@x")
    with pytest.raises(SettingsError) as caught:
        load()
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("field", SECRET_FIELDS)
def test_a_secret_comes_from_a_file_that_a_variable_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, field: str
) -> None:
    scheme = {"database_url": "postgresql", "starknet_node_url": "https", "indexer_socket_url": "wss"}.get(
        field, "redis"
    )
    value = f"{scheme}://user:hunter2@server.example:6379" if field.endswith("url") else "h" * 40
    (tmp_path / "file").write_text(f"{value}\n")
    monkeypatch.setenv(variable(field) + "_FILE", str(tmp_path / "file"))
    settings = load()
    assert settings.environment()[variable(field)] == value
    assert value not in repr(settings)
    monkeypatch.setenv(variable(field), value)
    with pytest.raises(SettingsError, match=f"{variable(field)} and {variable(field)}_FILE are both set"):
        load()


@pytest.mark.parametrize(("content", "says"), [
    (None, "cannot be read: No such file"), (b"", "is empty"), (b"\n", "is empty"), (b"\xff", "is not UTF-8"),
])  # fmt: skip
def test_a_file_without_a_secret_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, says: str
) -> None:
    if content is not None:
        (tmp_path / "file").write_bytes(content)
    monkeypatch.setenv("ASTRA_BROKER_URL_FILE", str(tmp_path / "file"))
    with pytest.raises(SettingsError, match=f"ASTRA_BROKER_URL_FILE names '.*file', which .*{says}"):
        load()


def test_only_secrets_come_from_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASTRA_PARTITIONS_FILE", "/etc/hostname")
    with pytest.raises(SettingsError, match="ASTRA_PARTITIONS_FILE is not a setting"):
        load()


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings().partitions = 8  # type: ignore[misc]


def test_a_child_reads_the_same_settings_from_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = load(partitions=7, secret="x" * 32, database_url="postgresql://astra:secret@db/astra")
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    assert load() == settings
