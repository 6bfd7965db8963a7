"""The sink's state in the log: how far it has read, what it knows of users and mints, and what it sent last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from faust_redis.log import Log, TopicPartition, TopicSpec

from contracts.log_state import LogState, Row, record_of
from contracts.sink.calls import Calls
from contracts.sink.errors import SinkError
from contracts.sink.people import Contracts, People
from streams.events import AnyEvent
from streams.times import Instant
from streams.wire import decoder

SOURCE: Final = "sink"
STATE_KEY: Final = b"state"
PLACE_SEPARATOR: Final = "/"


class Sent(msgspec.Struct, frozen=True):
    """The transaction that was sent last, when (microseconds), and whether a user's calls are in it.

    `tx_hash` is empty before the first one.
    """

    tx_hash: str = ""
    nonce: int = -1
    at: int = 0
    is_of_user: bool = False


class _StateRow(msgspec.Struct, frozen=True):
    """What the rows belong to, the next offset of each partition, and the last transaction."""

    contracts: tuple[str, str, str, str]
    places: dict[str, int]
    sent: Sent


class SinkState:
    """What one sink knows."""

    def __init__(self, people: People, calls: Calls, places: dict[TopicPartition, int], sent: Sent) -> None:
        self.people, self.calls, self.places, self.sent = people, calls, places, sent

    def apply(self, event: AnyEvent) -> list[AnyEvent]:
        """Update the state by an event, and return the events that follow from it."""
        return [*self.people.apply(event), *self.calls.apply(event)]


class SinkStore:
    """The state of the sink in one log. Methods raise LogError while the log is away."""

    def __init__(self, log: Log, topic: TopicSpec, chain_events: TopicSpec, contracts: Contracts) -> None:
        self._log = log
        self._rows = LogState(log, topic, SOURCE)
        self._chain_events, self._contracts = chain_events, contracts

    async def load(self, sponsor: str) -> SinkState | None:
        """Return the state of the sink with an account; None when the log has none.

        Raises:
            SinkError: the state is of another chain or of other contracts.
        """
        self._chain_events = (await self._log.declare_topic(self._chain_events)).spec
        rows = await self._rows.load()
        if STATE_KEY not in rows:
            return None
        row = _state.decode(rows.pop(STATE_KEY))
        if row.contracts != self._contracts:
            raise SinkError(
                f"the log has mints of the contracts {row.contracts}, and the settings name {tuple(self._contracts)}: "
                "use another namespace for other contracts"
            )
        named = {key.decode(): value for key, value in rows.items()}
        calls = {key: value for key, value in named.items() if Calls.has(key)}
        return SinkState(
            People(self._contracts, {key: value for key, value in named.items() if key not in calls}),
            Calls(self._contracts.paymaster, sponsor, calls),
            {_place(name): offset for name, offset in row.places.items()},
            row.sent,
        )

    async def write(self, state: SinkState, events: Sequence[AnyEvent], now: Instant) -> None:
        """Write a state with its changed rows, and append events, together.

        Raises:
            SourceMovedError: another sink wrote meanwhile; load the state again.
        """
        rows: list[Row] = [
            (key.encode(), part.row(key)) for part in (state.people, state.calls) for key in sorted(part.changed)
        ]
        names = {f"{tp.topic}{PLACE_SEPARATOR}{tp.partition}": offset for tp, offset in state.places.items()}
        rows.append((STATE_KEY, msgspec.json.encode(_StateRow(self._contracts, names, state.sent))))
        await self._rows.write(rows, [record_of(event, self._chain_events) for event in events], now)
        state.people.changed.clear()
        state.calls.changed.clear()

    async def is_current(self) -> bool:
        """Return whether the state that was last read or written is the one in the log."""
        return await self._rows.is_current()


def _place(name: str) -> TopicPartition:
    topic, _, partition = name.rpartition(PLACE_SEPARATOR)
    return TopicPartition(topic, int(partition))


_state = decoder(_StateRow)
