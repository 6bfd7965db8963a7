"""Rule books for tests: the packaged one with some values changed."""

from __future__ import annotations

import copy
import tomllib
from typing import Any

from agents.rulebook import Rulebook, packaged_text


def fields_with(changes: dict[str, Any]) -> dict[str, Any]:
    """Return the packaged rule book's fields with some replaced; tables are merged, key by key."""
    return _merged(tomllib.loads(packaged_text()), changes)


def rulebook_with(changes: dict[str, Any]) -> Rulebook:
    """Return the packaged rule book with some fields replaced."""
    return Rulebook.model_validate(fields_with(changes))


def _merged(base: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    merged = copy.deepcopy(base)
    for key, value in changes.items():
        merged[key] = _merged(merged[key], value) if isinstance(value, dict) and key in merged else value
    return merged
