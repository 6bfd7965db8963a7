"""Explain a wrong or unknown setting in one line."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path

from pydantic_core import ErrorDetails

from deploy.errors import SettingsError


def refuse_unknown(variables: Iterable[str], prefix: str, known: Collection[str]) -> None:
    """Refuse environment variables with a prefix that are no settings.

    Raises:
        SettingsError: naming the first one.
    """
    for name in sorted(variables):
        if name.upper().startswith(prefix) and name.upper() not in known:
            raise SettingsError(f"{name} is not a setting{_suggest(name.upper(), known)}")


def explain(
    error: ErrorDetails,
    accepted: Mapping[str, str],
    variable: Callable[[str], str],
    file: Path,
    *,
    secret: Collection[str],
) -> str:
    """Return which setting is wrong, why, and the accepted values.

    Args:
        error: What the validation found.
        accepted: The accepted values of each field.
        variable: Returns the environment variable of a field.
        file: The file of settings.
        secret: The fields whose values are not shown.
    """
    if not error["loc"]:
        return error["msg"].removeprefix("Value error, ")
    field = str(error["loc"][0])
    if error["type"] == "extra_forbidden":
        return f"{field!r} in {file} is not a setting{_suggest(field, accepted)}"
    why = error["msg"].removeprefix("Value error, ")
    value = "" if field in secret else f"={str(error['input'])[:80]}"
    return f"{variable(field)}{value} is not accepted: {why[0].lower()}{why[1:]}. Expected: {accepted[field]}."


def _suggest(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1)
    return f"; did you mean {close[0]}?" if close else "; docs/operations.md lists all settings"
