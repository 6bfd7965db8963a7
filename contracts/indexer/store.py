"""Keeps what the indexer knows of the chain in the log: in the same write as the facts that follow from it.

The rows are those of [`log_state.py`](../log_state.py): one for each block that is not final, and one for the rest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from faust_redis.log import Log, TopicSpec
from msgspec.structs import replace

from contracts.indexer.chain_state import Block, BlockRef, ChainState, Change, Step
from contracts.indexer.errors import OtherChainError
from contracts.log_state import LogState, Row, record_of
from streams.events import CATALOGUE, AnyEvent, Event
from streams.ids import derived_id
from streams.times import SECOND_US, Instant
from streams.wire import decoder

SOURCE: Final = "chain"
STATE_KEY: Final = b"state"


class _StateRow(msgspec.Struct, frozen=True):
    """The state without its blocks, the chain's id, and the number of the write that made it."""

    chain_id: str
    write: int
    cursor: BlockRef
    final: BlockRef
    sequences: dict[str, int]
    joining: dict[str, int] = {}


_states = decoder(_StateRow)
_blocks = decoder(Block)
_encoder = msgspec.json.Encoder()


class StateStore:
    """The indexer's state in one log. Methods raise LogError while the log is away."""

    def __init__(self, log: Log, chain_id: str, facts: TopicSpec, state: TopicSpec) -> None:
        """Create the store.

        Args:
            log: The log.
            chain_id: The id of the chain, such as SN_MAIN.
            facts: The declaration of the topic that gets the facts.
            state: The declaration of the topic that holds the state.
        """
        self._log = log
        self._chain_id = chain_id
        self._facts = facts
        self._rows = LogState(log, state, SOURCE)
        self._write = 0

    async def load(self) -> ChainState | None:
        """Return the state; None when the log has none.

        Raises:
            OtherChainError: the state is of another chain.
        """
        self._facts = (await self._log.declare_topic(self._facts)).spec
        return self._state(await self._rows.load())

    def _state(self, rows: dict[bytes, bytes]) -> ChainState | None:
        if STATE_KEY not in rows:
            self._write = 0
            return None
        row = _states.decode(rows.pop(STATE_KEY))
        self._write = row.write
        if row.chain_id != self._chain_id:
            raise OtherChainError(
                f"the log holds facts of the chain {row.chain_id}, and the settings name {self._chain_id}: use another "
                "namespace for another chain"
            )
        blocks = sorted((_blocks.decode(value) for value in rows.values()), key=lambda block: block.number)
        return ChainState(row.cursor, row.final, row.sequences, tuple(blocks), row.joining)

    async def write(
        self, before: ChainState | None, step: Step, now: Instant, contexts: Sequence[str | None] | None = None
    ) -> list[AnyEvent]:
        """Write a step: its facts, the changed rows and the number of the write, together. Return the facts' events.

        `contexts` has the trace context of each fact.

        Raises:
            SourceMovedError: another indexer wrote meanwhile; load the state again.
        """
        write, after = self._write + 1, step.state
        row = _encoder.encode(
            _StateRow(self._chain_id, write, after.cursor, after.final, after.sequences, after.joining)
        )
        traced = [None] * len(step.changes) if contexts is None else contexts
        events = [_event(change, write, each) for change, each in zip(step.changes, traced, strict=True)]
        records = [record_of(event, self._facts) for event in events]
        await self._rows.write([*_changed(before, after), (STATE_KEY, row)], records, now)
        self._write = write
        return events


def _event(change: Change, write: int, traceparent: str | None) -> AnyEvent:
    """Return the event of a change. A fact can be accepted again, so that its event's id has the write's number."""
    fact, time = change.fact, Instant(change.block.time_s * SECOND_US)
    accepted = decoder(CATALOGUE[fact.kind]).decode(fact.data.encode())
    return Event.first(
        replace(accepted, finality=change.finality),
        event_id=derived_id(time.milliseconds(), fact.id, change.finality, str(write)),
        time=time,
        key=fact.contract,
        rules_version=None,
        traceparent=traceparent,
    )


def _changed(before: ChainState | None, after: ChainState) -> list[Row]:
    """Return the rows of blocks that a write adds, changes or removes."""
    old = {block.number: block for block in before.blocks} if before else {}
    new = {block.number: block for block in after.blocks}
    gone: list[Row] = [(b"%d" % number, None) for number in old.keys() - new.keys()]
    return gone + [
        (b"%d" % number, _encoder.encode(block)) for number, block in new.items() if block != old.get(number)
    ]
