"""Read a list of web origins. Needs the standard library alone, because the settings use it."""

from __future__ import annotations

import re

ORIGIN = re.compile(r"https?://(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::[0-9]{1,5})?")


def origins_of(text: str) -> tuple[str, ...]:
    """Return the origins of a list with commas.

    Raises:
        ValueError: an entry is not exactly one origin. `*` and `null` are not, because any page could use them.
    """
    origins = tuple(part.strip() for part in text.split(",") if part.strip())
    for origin in origins:
        if not ORIGIN.fullmatch(origin):
            raise ValueError(f"{origin!r} is not an origin such as https://app.example.com")
    return origins
