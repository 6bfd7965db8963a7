"""The addresses of the dashboard that people visit: every view, and every part of one."""

from __future__ import annotations

from typing import Final

from api.pages import VIEWS

PARTS: Final = {"/player": ("progress", "history"), "/pipeline": ("groups", "letters", "trace", "rows")}
"""What `part` names in an address of whoever is signed in, beside the first part, which has no name."""
A_PROFILE: Final = "/community?user=trader-1"
FOR_EVERYONE: Final = (*VIEWS, A_PROFILE)


def addresses(role: str) -> tuple[str, ...]:
    """Return what someone with a role sees; nobody is signed in without one."""
    parts = (f"{view}?part={part}" for view, names in PARTS.items() for part in names)
    return (*FOR_EVERYONE, *parts) if role else FOR_EVERYONE


def name_of(address: str) -> str:
    """Return a name for a file."""
    view, _, query = address.strip("/").partition("?")
    return "-".join(filter(None, [view or "live", query.partition("=")[2]]))
