"""The secret that seals the signing keys: the configured one, or one generated for the data directory."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from api.identity.limits import SECRET_BYTES_MIN
from deploy.errors import SettingsError
from deploy.server.private import private_directory
from deploy.settings import Settings

GENERATED_BYTES = 48
FILE = "secret"


def installation_secret(settings: Settings) -> str:
    """Return the secret in force. A generated one is created on first use, readable by its owner alone.

    Raises:
        SettingsError: the file of the generated secret is too short.
    """
    if settings.secret is not None:
        return settings.secret.get_secret_value()
    private_directory(settings.data_dir)
    path = settings.data_dir / FILE
    with suppress(FileExistsError):
        create_private(path, secrets.token_urlsafe(GENERATED_BYTES))
    secret = path.read_text("utf-8")
    if len(secret.encode()) < SECRET_BYTES_MIN:
        raise SettingsError(
            f"{path} holds {len(secret.encode())} bytes; expected at least {SECRET_BYTES_MIN}. Restore it, or "
            "remove it and all rows of `signing_keys` to have new ones generated: all users have to sign in again then"
        )
    return secret


def create_private(path: Path, text: str) -> None:
    """Create a private file with its content. Raise FileExistsError when it exists."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as file:
        file.write(text)
    try:
        os.link(temporary, path)
    finally:
        temporary.unlink()
