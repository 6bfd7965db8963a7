"""Server-side scripts, kept as files beside this module and run by digest."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from typing import Any, Protocol

from redis.asyncio import Redis
from redis.exceptions import NoScriptError


class Script:
    """One Lua script; the server caches it under the SHA-1 of its text.

    Args:
        name: Its name; without a text, also that of its file beside this module.
        text: Its text.
    """

    def __init__(self, name: str, text: str | None = None) -> None:
        self.name = name
        self.text = text or files("faust_redis.log").joinpath(f"lua/{name}.lua").read_text("utf-8")
        # Redis names scripts by SHA-1; nothing secret depends on it.
        self.digest = hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest()

    async def run(self, redis: Redis, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Run it, sending the text only when the server does not have it (after a restart, say)."""
        try:
            return await redis.execute_command("EVALSHA", self.digest, len(keys), *keys, *args)
        except NoScriptError:
            return await redis.execute_command("EVAL", self.text, len(keys), *keys, *args)


class Server(Protocol):
    """Runs commands."""

    async def at_once(self, *commands: Sequence[Any]) -> list[Any]:
        """Return the replies to commands that ran in one transaction."""


async def run_all(server: Server, script: Script, calls: Sequence[tuple[Sequence[str], Sequence[Any]]]) -> list[Any]:
    """Run a script several times in one transaction, each with keys and arguments of its own; return the replies."""
    try:
        return await server.at_once(*_commands(script, calls, ("EVALSHA", script.digest)))
    except NoScriptError:  # a server that was just started: it ran nothing, and the first call brings the script
        return await server.at_once(*_commands(script, calls, ("EVAL", script.text)))


def _commands(
    script: Script, calls: Sequence[tuple[Sequence[str], Sequence[Any]]], first: tuple[str, str]
) -> list[Sequence[Any]]:
    """Return the calls of the script, of which the first one names it in a way of its own."""
    rest = "EVALSHA", script.digest
    return [(*(rest if number else first), len(keys), *keys, *args) for number, (keys, args) in enumerate(calls)]


ARCHIVE = Script("archive")
COMMIT = Script("commit")
CREATE_TOPIC = Script("create_topic")
DELETE_TOPIC = Script("delete_topic")
FIRST_USE = Script("first_use")
GROUP = Script("group")
INSPECT = Script("inspect")
LEASE = Script("lease")
OFFSETS = Script("offsets")
RANK = Script("rank")
REPAIR = Script("repair")
RESIZE = Script("resize")
PRESENCE = Script("presence")
SERVICE = Script("service")
TRIM = Script("trim")
