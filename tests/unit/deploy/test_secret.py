"""The secret of a data directory: generated once, private, never a constant."""

import stat
from pathlib import Path

import pytest

from deploy.admin.secret import FILE, installation_secret
from deploy.errors import SettingsError
from deploy.settings import Settings


def test_a_generated_secret_is_private_and_stays(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    secret = installation_secret(settings)
    assert len(secret.encode()) >= 32
    assert installation_secret(settings) == secret
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_two_installations_have_two_secrets(tmp_path: Path) -> None:
    one, other = (installation_secret(Settings(data_dir=tmp_path / name)) for name in "ab")
    assert one != other


@pytest.mark.parametrize("content", ["", "too short\n"])
def test_a_secret_file_that_holds_too_little_is_refused_by_name(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(SettingsError, match=rf"{FILE} holds {len(content)} bytes; expected at least 32"):
        installation_secret(Settings(data_dir=tmp_path))


def test_a_data_directory_is_private_from_its_creation_on(tmp_path: Path) -> None:
    installation_secret(Settings(data_dir=tmp_path / "above" / "data"))
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "above", tmp_path / "above" / "data")]
    assert modes == [0o700, 0o700]


def test_a_configured_secret_leaves_no_file(tmp_path: Path) -> None:
    assert installation_secret(Settings(data_dir=tmp_path, secret="s" * 32)) == "s" * 32
    assert list(tmp_path.iterdir()) == []
