"""Declare that a route will go: `dependencies=[deprecated(...)]` beside FastAPI's `deprecated=True`.

Sources: RFC 9745 (`Deprecation`), RFC 8594 (`Sunset`).
"""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime
from typing import Any

from fastapi import Depends
from starlette.responses import Response


def deprecated(*, since: datetime, sunset: datetime, successor: str) -> Any:
    """Return the dependency of a route that says in each answer when it was deprecated, and what replaces it.

    Args:
        since: When it was deprecated, in UTC.
        sunset: Until when it will be served at least, in UTC.
        successor: The path to use instead.
    """
    if sunset <= since:
        raise ValueError(f"the sunset {sunset} is not after the deprecation {since}")
    headers = {
        "Deprecation": f"@{int(since.timestamp())}",
        "Sunset": format_datetime(sunset, usegmt=True),
        "Link": f'<{successor}>; rel="successor-version"',
    }

    async def announce(response: Response) -> None:
        response.headers.update(headers)

    return Depends(announce)
