"""Warm copies: follows the changelogs of partitions that this member stands by for.

Faust's own following loses records, since resuming the flow clears the queue they wait in, and takes them one by one.
Here some hundreds go to the store in one batch with what they reach: a copy is exact whenever it stops, and a standby
that takes over reads on from there.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from faust.types import TP
from mode import get_logger

from faust_redis.driver.limits import FETCH_RECORDS_MAX, RETRY_MAX_S, STANDBY_PAUSE_S
from faust_redis.driver.restore import Restorer
from faust_redis.driver.stores import Checkpoint
from faust_redis.driver.tasks import cancel_and_wait
from faust_redis.log import LogError, LogUnavailableError, StoredRecord, TopicPartition

if TYPE_CHECKING:
    from faust_redis.driver.transport import Transport

logger = get_logger(__name__)


class Standbys:
    """The standby partitions of one member."""

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self.taken: set[TP] = set()
        self.positions: dict[TP, int] = {}
        self._restorer = Restorer(transport)
        self._following: asyncio.Task[None] | None = None
        self._hooked = False

    def take(self, assigned: set[TP]) -> None:
        """Choose the standbys that can be followed here, and make Faust's recovery leave them alone."""
        standbys = assigned & self.transport.app.assignor.assigned_standbys()
        self.taken = {tp for tp in standbys if self._fits(tp)}
        if not self._hooked:
            self._hooked = True
            recovery = self._tables.recovery
            recovery.add_standby = self._unless_taken(recovery.add_standby)

    def follow(self) -> None:
        """Begin, in the background, once this member's own tables are up and its events flow."""
        if self.taken:
            self._following = asyncio.create_task(self._follow(sorted(self.taken)))

    async def leave(self) -> None:
        """Follow nothing any more: when this returns no row of a standby changes."""
        following, self._following = self._following, None
        if following is not None:
            await cancel_and_wait(following)
        self.taken, self.positions = set(), {}

    @property
    def _tables(self) -> Any:
        return self.transport.app.tables

    def _fits(self, tp: TP) -> bool:
        """Whether its store says what it reaches, its owner alone writes it, and nobody wants every single record."""
        table = self._tables._changelogs.get(tp.topic)
        kept = tp.topic in self.transport.changelog_stores()
        return kept and not table.is_global and table._on_changelog_event is None

    def _unless_taken(self, original: Any) -> Any:
        def add_standby(table: Any, tp: TP) -> None:
            if tp not in self.taken:
                original(table, tp)

        return add_standby

    async def _follow(self, tps: list[TP]) -> None:
        while self.transport.app.rebalancing:  # noqa: ASYNC110 - Faust has no event for that
            await asyncio.sleep(STANDBY_PAUSE_S)
        for tp in tps:
            await self._begin(tp)
        while self.positions:
            try:
                behind = await self._read()
            except LogUnavailableError as exc:
                logger.debug("standbys wait for the broker: %s", exc)
                await asyncio.sleep(RETRY_MAX_S)
            except LogError as exc:
                logger.warning("standbys are followed no more until the next rebalance: %s", exc)
                return
            else:
                await asyncio.sleep(0 if behind else STANDBY_PAUSE_S)

    async def _begin(self, tp: TP) -> None:
        """Bring a copy up to the log; one that cannot be is left to whoever takes over."""
        self.positions.pop(tp, None)
        try:
            await self._restorer.restore({tp})
        except LogError as exc:
            logger.warning("standing by for %s is not possible: %s", tp, exc)
            return
        reached = self.transport.changelog_stores()[tp.topic].reached(tp)
        self.positions[tp] = 0 if reached is None else reached.offset + 1

    async def _read(self) -> bool:
        """Read and apply what came; whether there is more."""
        wanted = {TopicPartition(*tp): offset for tp, offset in self.positions.items()}
        fetched = await self.transport.broker.fetch(wanted, count=FETCH_RECORDS_MAX)
        for found, records in fetched.items():
            tp = TP(*found)
            if records[0].offset == self.positions[tp]:
                self._apply(tp, records)
            else:
                await self._begin(tp)  # it was trimmed meanwhile: the snapshot has what is gone
        behind = any(len(records) == FETCH_RECORDS_MAX for records in fetched.values())
        if not behind and not self._tables.recovery.standby_tps:
            self._tables.on_standbys_ready()
        return behind

    def _apply(self, tp: TP, records: list[StoredRecord]) -> None:
        last = records[-1]
        info = self.transport.broker.known_topic(tp.topic)
        rows = {record.key: record.value for record in records if record.key is not None}
        reached = Checkpoint(info.incarnation if info else "", last.offset, last.writer)
        self.transport.changelog_stores()[tp.topic].restore(tp, rows.items(), reached)
        self.positions[tp] = last.offset + 1
