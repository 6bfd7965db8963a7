"""The secret of a data directory: generated once, private, never a constant."""

import stat
from pathlib import Path

from deploy.admin.secret import FILE, signing_secret
from deploy.settings import Settings


def test_a_generated_secret_is_private_and_stays(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    secret = signing_secret(settings)
    assert len(secret.encode()) >= 32
    assert signing_secret(settings) == secret
    assert stat.S_IMODE((tmp_path / FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [FILE]


def test_two_installations_have_two_secrets(tmp_path: Path) -> None:
    assert signing_secret(Settings(data_dir=tmp_path / "a")) != signing_secret(Settings(data_dir=tmp_path / "b"))


def test_a_configured_secret_leaves_no_file(tmp_path: Path) -> None:
    assert signing_secret(Settings(data_dir=tmp_path, jwt_secret="s" * 32)) == "s" * 32
    assert list(tmp_path.iterdir()) == []
