"""Warm copies: follows the changelogs of partitions that this member stands by for.

Faust's own following loses records, since resuming the flow clears the queue they wait in, and takes them one by one.
Here some hundreds go to the store in one batch with their offset: a copy is exact whenever it stops, and a standby that
takes over reads on from there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from faust.types import TP
from mode import Service, get_logger

from streams.driver.limits import FETCH_RECORDS_MAX, STANDBY_PAUSE_S
from streams.log import LogUnavailableError, StoredRecord, TopicPartition

if TYPE_CHECKING:
    from streams.driver.transport import Transport

logger = get_logger(__name__)


class Standbys(Service):
    """The standby partitions of one member."""

    logger = logger

    def __init__(self, transport: Transport, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.transport = transport
        self.positions: dict[TP, int] = {}
        self._hooked = False

    def prepare(self) -> None:
        """Make Faust's recovery leave to us the standbys that we can follow."""
        if not self._hooked:
            self._hooked = True
            recovery = self._tables.recovery
            recovery.add_standby = self._before(recovery.add_standby)

    def leave(self) -> None:
        """Follow nothing any more: from here on no row of a standby changes."""
        self.positions = {}

    async def on_stop(self) -> None:
        """Let go of the store before it is closed."""
        self.leave()

    @property
    def _tables(self) -> Any:
        return self.transport.app.tables

    def _before(self, original: Any) -> Any:
        def add_standby(table: Any, tp: TP) -> None:
            store: Any = self.transport.changelog_stores().get(tp.topic)
            # A global table is written by others than its partition's owner, and a callback wants every single record.
            if store is None or table.is_global or table._on_changelog_event is not None:
                original(table, tp)
                return
            reached = store.persisted_offset(tp)
            self.positions[tp] = 0 if reached is None else reached + 1

        return add_standby

    @Service.task
    async def _follow(self) -> None:
        while not self.should_stop:
            try:
                behind = bool(self.positions) and not self.transport.app.rebalancing and await self._read()
            except LogUnavailableError as exc:
                self.log.debug("standbys wait for the broker: %s", exc)
                behind = False
            if not behind:
                await self.sleep(STANDBY_PAUSE_S)

    async def _read(self) -> bool:
        """Read and apply what came; whether there is more."""
        positions = self.positions
        wanted = {TopicPartition(*tp): offset for tp, offset in positions.items()}
        fetched = await self.transport.broker.fetch(wanted, count=FETCH_RECORDS_MAX)
        if positions is not self.positions:
            return False  # a rebalance came meanwhile
        for found, records in fetched.items():
            self._apply(TP(*found), records)
        behind = any(len(records) == FETCH_RECORDS_MAX for records in fetched.values())
        if not behind and not self._tables.recovery.standby_tps:
            self._tables.on_standbys_ready()
        return behind

    def _apply(self, tp: TP, records: list[StoredRecord]) -> None:
        if records[0].offset != self.positions[tp]:
            self.log.warning(
                "%s was trimmed from offset %d to %d before this standby read it; it is rebuilt when it takes over",
                tp,
                self.positions.pop(tp),
                records[0].offset,
            )
            return
        rows = [(record.key, record.value) for record in records if record.key is not None]
        last = records[-1].offset
        self.transport.changelog_stores()[tp.topic].on_committed(tp, rows, last)
        self.positions[tp] = last + 1
