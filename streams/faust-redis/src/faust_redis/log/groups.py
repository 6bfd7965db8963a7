"""Consumer groups: join, sync, heartbeat, leave. The rules of a group stand in `lua/group.lua`; time is the server's.

Knows Redis and the keys of the log, and nothing of Faust.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from faust_redis.log.heartbeat import HeartbeatThread
from faust_redis.log.keys import Keys
from faust_redis.log.scripts import GROUP, PRESENCE, Script


class MemberState(NamedTuple):
    """The state of a member in its group, as the coordinator script returns it.

    Attributes:
        known: The group counts it as a member.
        joined: It has joined the generation that is being prepared.
        state: State of the group: ``empty``, ``preparing``, ``syncing`` or ``stable``.
        generation: The group's generation.
        leader: The member that assigns partitions.
        assignment: What the leader assigned to this member, encoded; empty before that.
    """

    known: bool
    joined: bool
    state: str
    generation: int
    leader: str
    assignment: bytes

    @classmethod
    def of(cls, reply: Sequence[Any]) -> MemberState:
        """Read the script's reply."""
        known, joined, state, generation, leader, assignment = reply
        return cls(
            bool(known),
            bool(joined),
            bytes(state).decode() if isinstance(state, bytes) else "",
            int(generation),
            leader.decode() if isinstance(leader, bytes) else "",
            assignment if isinstance(assignment, bytes) else b"",
        )


class Heartbeat(Protocol):
    """A running heartbeat."""

    def end(self) -> None:
        """Ask it to end; returns at once."""


class Server(Protocol):
    """The log's client, as the group client uses it."""

    url: str
    keys: Keys

    async def run(self, script: Script, keys: Sequence[str], args: Sequence[Any]) -> Any:
        """Run a server-side script."""

    async def at_once(self, *commands: Sequence[Any]) -> list[Any]:
        """Return the replies to commands."""


class Groups:
    """Client of the group coordinator. All methods raise `LogUnavailableError` as those of `Log` do."""

    def __init__(self, server: Server) -> None:
        self._server = server

    async def join(
        self, group: str, member: str, metadata: bytes, *, lease_ms: int, rebalance_ms: int, settle_ms: int
    ) -> MemberState:
        """Join a group, or its next generation.

        Args:
            group: The group.
            member: This member's id.
            metadata: What the leader needs to know of this member to assign partitions.
            lease_ms: How long the member stays without a heartbeat.
            rebalance_ms: How long a rebalance waits for members to rejoin, and for the leader to assign.
            settle_ms: How long the group waits for further newcomers before it prepares a generation.
        """
        return await self._ask(group, "join", member, metadata, lease_ms, rebalance_ms, settle_ms)

    async def sync(self, group: str, member: str, generation: int, assignments: Mapping[str, bytes]) -> MemberState:
        """Publish the assignments of a generation; ignored unless the member leads that generation."""
        pairs = [part for pair in assignments.items() for part in pair]
        return await self._ask(group, "sync", member, generation, *pairs)

    async def heartbeat(self, group: str, member: str) -> MemberState:
        """Renew a member's lease."""
        return await self._ask(group, "heartbeat", member)

    async def leave(self, group: str, member: str) -> MemberState:
        """Leave the group, so that the other members take over at once."""
        return await self._ask(group, "leave", member)

    async def members(self, group: str, member: str) -> dict[str, bytes]:
        """Return the metadata of each member of the generation that is being assigned."""
        reply = await self._run(group, "members", member)
        return {name.decode(): metadata for name, metadata in zip(reply[::2], reply[1::2], strict=True)}

    def start_heartbeat(
        self,
        group: str,
        member: str,
        *,
        interval_s: float,
        stuck_s: float,
        report: Callable[[MemberState], None],
    ) -> Heartbeat:
        """Renew a member's lease from now on, from a thread of its own. Call it on the event loop that `report` is for.

        Args:
            group: The group.
            member: This member's id.
            interval_s: Seconds between two heartbeats.
            stuck_s: Let the lease run out when the event loop has not turned for so many seconds.
            report: Called on the event loop with each answer.
        """
        thread = HeartbeatThread(
            self._server.url,
            self._server.keys.group(group),
            member,
            interval_s=interval_s,
            stuck_s=stuck_s,
            loop=asyncio.get_running_loop(),
            report=lambda reply: report(MemberState.of(reply)),
        )
        thread.start()
        return thread

    async def set_status(self, group: str, member: str, status: str) -> None:
        """Publish how a member is doing (JSON), for readiness checks."""
        await self._server.at_once(("HSET", self._server.keys.status(group), member, status))

    async def clear_status(self, group: str, member: str) -> None:
        """Remove a member's status."""
        await self._server.at_once(("HDEL", self._server.keys.status(group), member))

    async def announce(
        self, group: str, member: str, *, lease_ms: int, generation: int, state: str, status: str
    ) -> None:
        """Publish a member of a group that another broker coordinates (Kafka), for readiness checks here.

        Args:
            group: The group.
            member: The member's id.
            lease_ms: How long the member counts as alive; 0 removes it.
            generation: The generation that the member knows.
            state: The group's state as the member sees it.
            status: How the member is doing (JSON).
        """
        args = [member, lease_ms, generation, state, status]
        await self._server.run(PRESENCE, [self._server.keys.group(group)], args)

    async def _ask(self, group: str, operation: str, member: str, *args: Any) -> MemberState:
        return MemberState.of(await self._run(group, operation, member, *args))

    def _run(self, group: str, operation: str, member: str, *args: Any) -> Awaitable[Any]:
        return self._server.run(GROUP, [self._server.keys.group(group)], [operation, member, *args])
