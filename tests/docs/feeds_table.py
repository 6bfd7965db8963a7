"""The table of the feeds, from the API's routes, its description and its permissions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from api.domains import load
from api.permissions import OWN, Permission, Permissions
from tables.domains import TOPOLOGY
from tests.client.typed_models import document

PREFIX: Final = "/v1/feed/"


def feeds_table() -> str:
    """Return a Markdown table: each feed, what it shows, to whom, and its parameters."""
    paths = document()["paths"]
    permissions = Permissions(api.permissions for api in load(TOPOLOGY))
    rows = ["| Feed | Shows | To | Parameters |", "|---|---|---|---|"]
    for path, methods in sorted(paths.items()):
        if path.startswith(PREFIX) and "get" in methods:
            route, name = methods["get"], path.removeprefix(PREFIX)
            to = _readers(permissions.of("GET", path))
            rows.append(f"| `{name}` | {_shown(route)} | {to} | {_parameters(route)} |")
    return "\n".join(rows)


def _shown(route: Mapping[str, Any]) -> str:
    """Return the first paragraph of a route's description, without the words by which it begins."""
    first = str(route["description"]).partition("\n\n")[0].replace("\n", " ").removeprefix("Follow ")
    return first[0].upper() + first[1:]


def _readers(permission: Permission) -> str:
    if permission.public:
        return "everyone"
    return "the caller" if permission == OWN else ", ".join(f"{role}s" for role in sorted(permission.roles))


def _parameters(route: Mapping[str, Any]) -> str:
    return ", ".join(f"`{one['name']}`" for one in route.get("parameters", ()) if one["in"] == "query")
