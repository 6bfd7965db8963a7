"""Convert validation errors to faults with JSON pointers or parameter names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from api.kit.problems import Fault

PARAMETER_PLACES = ("query", "path", "header", "cookie")
OUR_MESSAGES = "Value error, "


def faults_of(errors: Iterable[Mapping[str, Any]]) -> list[Fault]:
    """Return pydantic's errors as faults, each with its place and its reason."""
    return [_fault(error["loc"], error["msg"].removeprefix(OUR_MESSAGES)) for error in errors]


def _fault(loc: tuple[str | int, ...], detail: str) -> Fault:
    if len(loc) > 1 and loc[0] in PARAMETER_PLACES:
        return Fault(parameter=str(loc[1]), detail=detail)
    return Fault(pointer="#" + "".join(f"/{_escape(part)}" for part in loc), detail=detail)


def _escape(part: str | int) -> str:
    return str(part).replace("~", "~0").replace("/", "~1")
