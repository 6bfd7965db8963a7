"""The table of the socket's messages, from their classes."""

from __future__ import annotations

import inspect
from typing import Final, get_args

import msgspec

from api.kit.feeds.socket import messages

FROM: Final = {"client": get_args(messages.Request), "server": get_args(messages.Answer)}


def messages_table() -> str:
    """Return a Markdown table: each message, who sends it, its members and its meaning."""
    rows = ["| From | `type` | Members | Meaning |", "|---|---|---|---|"]
    for side, kinds in FROM.items():
        rows += [f"| {side} | `{_tag(kind)}` | {_members(kind)} | {inspect.getdoc(kind)} |" for kind in kinds]
    return "\n".join(rows)


def _tag(kind: type[msgspec.Struct]) -> str:
    return str(kind.__struct_config__.tag)


def _members(kind: type[msgspec.Struct]) -> str:
    return ", ".join(
        f"`{field.name}`{'' if field.required else ' (optional)'}" for field in msgspec.structs.fields(kind)
    )
