"""Secret settings from files, as container platforms mount them: `ASTRA_BROKER_URL_FILE` names a file with the URL."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from deploy.errors import SettingsError

SUFFIX = "_FILE"
FILE_BYTES_MAX = 64 * 1024


class SecretFiles(PydanticBaseSettingsSource):
    """The settings whose variable with the suffix `_FILE` names a file."""

    def __init__(self, settings_cls: type[BaseSettings], prefix: str, fields: Iterable[str]) -> None:
        super().__init__(settings_cls)
        self._variables = {field: prefix + field.upper() for field in fields}

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the value of a field, its name, and that it is not JSON."""
        del field
        variable = self._variables.get(field_name)
        return (None if variable is None else _read(variable)), field_name, False

    def __call__(self) -> dict[str, Any]:
        """Return the settings that files hold.

        Raises:
            SettingsError: a file cannot be read or is empty, or the setting has a value of its own, too.
        """
        values = {name: self.get_field_value(field, name)[0] for name, field in self.settings_cls.model_fields.items()}
        return {name: value for name, value in values.items() if value is not None}


def _read(variable: str) -> str | None:
    """Return the text of the file that a variable names, without the line break at its end."""
    source = variable + SUFFIX
    path = os.environ.get(source)
    if not path:
        return None
    if os.environ.get(variable):
        raise SettingsError(f"{variable} and {source} are both set; unset one of them")
    try:
        with Path(path).open("rb") as file:
            text = file.read(FILE_BYTES_MAX).decode().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "it is not UTF-8"
        raise SettingsError(f"{source} names {path!r}, which cannot be read: {why}") from exc
    if not text:
        raise SettingsError(f"{source} names {path!r}, which is empty")
    return text
