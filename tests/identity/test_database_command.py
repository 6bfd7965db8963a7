"""`astratrade database`, and the processes that refuse an old schema."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path
from subprocess import run

import pytest
from click.testing import CliRunner, Result

from api.identity.store.revisions import HEAD
from deploy.cli.main import cli

PROGRAM = (sys.executable, "-P", "-m", "deploy.cli.main")


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["database", *arguments])


def test_upgrade_current_and_downgrade_on_the_default_file(tmp_path: Path) -> None:
    data = tmp_path / "data"
    assert f"revision none; this program needs {HEAD}" in invoke("current", "--data-dir", str(data)).output
    assert not data.exists()
    assert f"revision {HEAD}; this program" in invoke("upgrade", "--data-dir", str(data)).output
    assert stat.S_IMODE((data / "identity.db").stat().st_mode) == 0o600
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    assert "revision none" in invoke("downgrade", "base", "--yes", "--data-dir", str(data)).output


def test_commands_work_on_both_databases(empty_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASTRA_DATABASE_URL", empty_database_url)
    assert f"revision {HEAD}; this program" in invoke("upgrade").output
    assert invoke("upgrade").exit_code == 0
    assert f"revision {HEAD}; this program" in invoke("current").output


def test_a_downgrade_asks_first(tmp_path: Path) -> None:
    invoke("upgrade", "--data-dir", str(tmp_path))
    asked = invoke("downgrade", "base", "--data-dir", str(tmp_path))
    assert asked.exit_code == 1
    assert "Downgrade the database of accounts to base" in asked.output
    assert f"revision {HEAD}" in invoke("current", "--data-dir", str(tmp_path)).output


def test_an_api_on_an_old_schema_ends_with_one_line_that_names_the_command(tmp_path: Path, broker_url: str) -> None:
    options = {"ASTRA_BROKER_URL": broker_url, "ASTRA_DATA_DIR": str(tmp_path), "ASTRA_API_PORT": "0"}
    ended = run(
        [*PROGRAM, "api"], env=_environment() | options, capture_output=True, text=True, timeout=60, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr == "astratrade: the database has no tables yet; run `astratrade database upgrade`\n"


def test_a_password_in_a_wrong_url_is_not_shown() -> None:
    options = {"ASTRA_DATABASE_URL": "mysql://root:hunter2@db/x"}
    ended = run(
        [*PROGRAM, "database", "current"], env=_environment() | options, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "hunter2" not in ended.stderr
    assert ended.stderr.startswith("astratrade: ASTRA_DATABASE_URL is not accepted: its scheme is 'mysql'. Expected: ")


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("ASTRA_")}
