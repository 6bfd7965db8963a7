"""What the events of one contract add up to: who holds its roles, and what is announced."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from contracts.clients.classes import CLIENTS
from contracts.clients.contract import At, Event
from contracts.clients.shared.roles import RoleGranted, RoleRevoked
from contracts.clients.shared.sequence import SequenceClient
from contracts.clients.shared.timelock import CallAnnounced, CallCancelled, CallExecuted
from contracts.indexer.errors import NodeError
from contracts.indexer.node import Node

PAGE_EVENTS: Final = 1_000


@dataclass(slots=True)
class History:
    """Roles by their holders, and announced calls by their ids."""

    roles: set[tuple[str, str]] = field(default_factory=set)
    announced: dict[str, CallAnnounced] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        """Add the next event."""
        match event:
            case RoleGranted():
                self.roles.add((event.role, event.account))
            case RoleRevoked():
                self.roles.discard((event.role, event.account))
            case CallAnnounced():
                self.announced[event.id] = event
            case CallExecuted() | CallCancelled():
                self.announced.pop(event.id, None)


async def history_of(node: Node, at: At, class_name: str, address: str) -> History:
    """Return the history of a contract up to a block.

    Raises:
        NodeError: the node gives no answer, or not all events.
    """
    history = History()
    for event in await events_of(node, at, class_name, address):
        history.add(event)
    return history


async def events_of(node: Node, at: At, class_name: str, address: str) -> list[Event]:
    """Return all events of a contract up to a block, in order.

    Raises:
        NodeError: the node gives no answer, or not all events.
    """
    client = CLIENTS[class_name]
    events = [client.event(keys, data) for keys, data in await _events(node, at, address)]
    last = await SequenceClient(address).sequence(at)
    numbers = [getattr(event, "sequence", None) for event in events]
    if numbers != [*range(1, last + 1)]:
        raise NodeError(f"the node has {len(events)} events of {address}, whose last one has the number {last}")
    return events


async def _events(node: Node, at: At, address: str) -> list[tuple[list[int], list[int]]]:
    """Return keys and data of all events of a contract up to a block, in order."""
    asked: dict[str, Any] = {
        "from_block": {"block_number": 0},
        "to_block": {"block_hash": at.block.hash},
        "address": address,
        "chunk_size": PAGE_EVENTS,
    }
    found: list[tuple[list[int], list[int]]] = []
    while True:
        page = await node.ask("starknet_getEvents", {"filter": asked})
        found += [(_felts(event["keys"]), _felts(event["data"])) for event in page["events"]]
        if page.get("continuation_token") in {None, asked.get("continuation_token")}:
            return found
        asked["continuation_token"] = page["continuation_token"]


def _felts(texts: Iterable[str]) -> list[int]:
    return [int(text, 16) for text in texts]
