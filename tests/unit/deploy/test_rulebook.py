"""A process reads the rule book that a setting names when it starts, for the domains and for the API."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from agents.rulebook import packaged_rulebook, packaged_text
from deploy.cli import main as module
from deploy.errors import SettingsError
from deploy.rulebook import load_rulebook
from deploy.run.api import api_config
from deploy.settings import Settings

WRONG = packaged_text().replace("BTC = 50", "BTC = 0")


def settings_of(tmp_path: Path, text: str) -> Settings:
    (tmp_path / "rules.toml").write_text(text)
    return Settings(data_dir=tmp_path, rulebook=tmp_path / "rules.toml", broker_url="redis://nowhere")


def test_without_the_setting_the_packaged_rule_book_holds(tmp_path: Path) -> None:
    assert load_rulebook(Settings(data_dir=tmp_path)) == packaged_rulebook()


@pytest.mark.parametrize("command", ["dev", "worker", "api", "rulebook"])
def test_a_wrong_rule_book_ends_a_command_with_one_line_that_names_the_key(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    (tmp_path / "rules.toml").write_text(WRONG)
    monkeypatch.setenv("ASTRA_RULEBOOK", str(tmp_path / "rules.toml"))
    monkeypatch.setenv("ASTRA_BROKER_URL", "redis://127.0.0.1:1")
    monkeypatch.setattr(
        "sys.argv", ["astratrade", command, *([] if command == "rulebook" else ["--data-dir", str(tmp_path)])]
    )
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code == 1
    output = capsys.readouterr()
    [line] = output.err.splitlines()
    assert output.out == ""
    assert line == (
        f"astratrade: ASTRA_RULEBOOK: {tmp_path}/rules.toml: trading.market_leverage_max.BTC: "
        "expected greater than or equal to 1, got 0"
    )


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_a_rule_book_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    settings = settings_of(tmp_path, "")
    (tmp_path / "rules.toml").unlink()
    if content is not None:
        (tmp_path / "rules.toml").write_bytes(content)
    with pytest.raises(SettingsError, match=r"ASTRA_RULEBOOK: cannot read .*rules\.toml"):
        load_rulebook(settings)


def test_the_api_takes_markets_and_version_from_the_same_rule_book(tmp_path: Path) -> None:
    text = packaged_text().replace("BTC = 50", "NEWCOIN = 3")
    config = api_config(settings_of(tmp_path, text.replace("version = 1", "version = 8")))
    assert config.rules_version == 8
    assert {"NEWCOIN", "ETH"} < config.markets
    assert "BTC" not in config.markets


def test_clients_see_the_achievements_and_rewards_of_the_rule_book(tmp_path: Path) -> None:
    text = packaged_text().replace('"trades", at = 1, tier = 1, xp = 50', '"trades", at = 1, tier = 1, xp = 70')
    rules = api_config(settings_of(tmp_path, text)).rules
    first = rules.achievements[0]
    assert (first.name, first.xp, first.ss) == ("trades-1", 70, 140)
    assert rules.levels.xp_unit == 100
    assert [(rule.board, rule.period, rule.bands[0].ss) for rule in rules.rewards] == [
        ("xp", "week", 1_000),
        ("xp", "season", 10_000),
        ("xp", "season", 20_000),
    ]


def test_the_rule_book_in_force_is_printed_as_it_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert CliRunner().invoke(module.cli, ["rulebook"]).output == packaged_text()
    (tmp_path / "rules.toml").write_text(packaged_text().replace("version = 1", "version = 7"))
    monkeypatch.setenv("ASTRA_RULEBOOK", str(tmp_path / "rules.toml"))
    assert "version = 7" in CliRunner().invoke(module.cli, ["rulebook"]).output


@pytest.mark.parametrize(
    ("archive", "years", "leave"), [("/somewhere", 3, True), ("/somewhere", 2, False), ("off", 10, False)]
)
def test_rows_leave_only_where_an_archive_has_them_or_the_rule_book_says_so(
    archive: str, years: int, leave: bool, tmp_path: Path
) -> None:
    kept_ms = years * 365 * 86_400_000
    settings = Settings(data_dir=tmp_path, archive=archive, archive_retention_ms=kept_ms)
    assert bool(load_rulebook(settings).rows.kept_days) is leave
    file = tmp_path / "bold.toml"
    file.write_text(packaged_text().replace("without_archive = false", "without_archive = true"))
    bold = settings.model_copy(update={"rulebook": file})
    assert load_rulebook(bold).rows.kept_days == packaged_rulebook().rows.kept_days > 0
