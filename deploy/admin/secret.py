"""The secret that signs tokens: the configured one, or one generated for the data directory. Never a constant."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from deploy.settings import Settings

GENERATED_BYTES = 48
FILE = "jwt-secret"


def signing_secret(settings: Settings) -> str:
    """The secret in force; a generated one is created on first use, readable by its owner alone."""
    if settings.jwt_secret is not None:
        return settings.jwt_secret.get_secret_value()
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    path = settings.data_dir / FILE
    with suppress(FileExistsError):
        _create(path, secrets.token_urlsafe(GENERATED_BYTES))
    return path.read_text("utf-8")


def _create(path: Path, text: str) -> None:
    """Create a private file together with its content; an existing one stays (FileExistsError)."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(text)
    try:
        os.link(temporary, path)
    finally:
        temporary.unlink()
