"""What the events of one contract add up to: who holds its roles, and what is announced."""

from __future__ import annotations

from dataclasses import dataclass, field

from contracts.clients.classes import CLIENTS
from contracts.clients.contract import At, Event
from contracts.clients.shared.roles import RoleGranted, RoleRevoked
from contracts.clients.shared.sequence import SequenceClient
from contracts.clients.shared.timelock import CallAnnounced, CallCancelled, CallExecuted
from contracts.indexer.errors import NodeError
from contracts.indexer.node import Node, reading


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
    found, _ = await node.events(0, at.block, [address])
    with reading(f"events of {address}"):
        events = [client.event(event.keys, event.data) for event in found]
    last = await SequenceClient(address).sequence(at)
    numbers = [getattr(event, "sequence", None) for event in events]
    if numbers != [*range(1, last + 1)]:
        raise NodeError(f"the node has {len(events)} events of {address}, whose last one has the number {last}")
    return events
