"""Keeps settlement's state in the log: in the same write as the batch that follows from it.

The rows are those of [`log_state.py`](../log_state.py): one for each batch, and one for the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from faust_redis.log import Log, TopicSpec
from msgspec.structs import replace

from contracts.log_state import LogState, Row
from contracts.settlement.batches import Batch, State
from contracts.settlement.errors import SettlementError
from streams.times import Instant
from streams.wire import decoder

SOURCE: Final = "settlement"
STATE_KEY: Final = b"state"


class _StateRow(msgspec.Struct, frozen=True):
    """The state without its batches, and what it belongs to."""

    chain_id: str
    collector: str
    state: State


_states = decoder(_StateRow)
_batches = decoder(Batch)
_encoder = msgspec.json.Encoder()


class SettlementStore:
    """The state of settlement in one log. Methods raise LogError while the log is away."""

    def __init__(self, log: Log, topic: TopicSpec, chain_id: str, collector: str) -> None:
        """Create the store.

        Args:
            log: The log.
            topic: The declaration of the topic that holds the state.
            chain_id: The id of the chain, such as SN_MAIN.
            collector: The address of the collector.
        """
        self._rows = LogState(log, topic, SOURCE)
        self._chain_id, self._collector = chain_id, collector

    async def load(self) -> State:
        """Return the state; an empty one when the log has none.

        Raises:
            SettlementError: the state is of another chain or another collector.
        """
        rows = await self._rows.load()
        if STATE_KEY not in rows:
            return State()
        row = _states.decode(rows.pop(STATE_KEY))
        if (row.chain_id, row.collector) != (self._chain_id, self._collector):
            raise SettlementError(
                f"the log settles with the collector {row.collector} of {row.chain_id}, and the settings name "
                f"{self._collector} of {self._chain_id}: use another namespace for another contract"
            )
        batches = sorted((_batches.decode(value) for value in rows.values()), key=lambda batch: batch.number)
        return replace(row.state, batches=tuple(batch for batch in batches if batch.number > row.state.confirmed[0]))

    async def write(self, before: State, after: State, now: Instant, opened: Sequence[int] = ()) -> None:
        """Write a state and its changed batches, together; delete the batches that were opened again.

        Raises:
            SourceMovedError: another process wrote meanwhile; load the state again.
        """
        row = _encoder.encode(_StateRow(self._chain_id, self._collector, replace(after, batches=())))
        await self._rows.write([*_changed(before, after, opened), (STATE_KEY, row)], [], now)

    async def is_current(self) -> bool:
        """Return whether the state that was last read or written is the one in the log."""
        return await self._rows.is_current()


def _changed(before: State, after: State, opened: Sequence[int]) -> list[Row]:
    """Return the rows of batches that a write adds or changes. A confirmed batch keeps its row."""
    old = {batch.number: batch for batch in before.batches}
    new = {batch.number: batch for batch in after.batches}
    confirmed = {number: replace(batch, status="confirmed") for number, batch in old.items() if number not in new}
    changed: list[Row] = [
        (b"batch-%d" % number, _encoder.encode(batch))
        for number, batch in (new | confirmed).items()
        if batch != old.get(number) and number not in opened
    ]
    return changed + [(b"batch-%d" % number, None) for number in opened]
