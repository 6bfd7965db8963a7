"""Write a command and its reply as a line of a seed's trace."""

from __future__ import annotations

from typing import Any

from faust_redis.log.scripts import GROUP


def trace_line(command: tuple[Any, ...], reply: Any) -> str:
    """Return a command and its reply for the trace, in the same way in every process.

    The line has no assignments, because Faust packs those in no certain order.
    """
    if isinstance(reply, set):
        reply = sorted(reply)
    if command[0] != "EVALSHA" or command[1] != GROUP.digest:
        return f"{command!r:.600} -> {reply!r:.200}"
    if isinstance(reply, list):
        reply = reply[::2] if command[4] == "members" else reply[:5]
    return f"group {command[4]} {command[5]} -> {reply!r}"
