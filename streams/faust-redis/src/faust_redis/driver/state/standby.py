"""Follow the changelogs of the partitions for which this member is a standby.

Faust's own standbys lose records, because resuming the flow clears the queue in which the records wait. Faust also
applies the records one by one. Here, the follower writes up to some hundred records and their checkpoint to the store
in one batch. So a copy is exact at any moment, and a standby that takes over continues from its checkpoint.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from faust.types import TP

from faust_redis.driver import faust_internals as internals
from faust_redis.driver.broker import Reads
from faust_redis.driver.limits import FETCH_RECORDS_MAX, RETRY_MAX_S, STANDBY_PAUSE_S
from faust_redis.driver.state.restore import Restorer
from faust_redis.driver.state.stores import Checkpoint, CommittedStore
from faust_redis.driver.tasks import cancel_and_wait
from faust_redis.log import DamagedPartitionError, LogError, LogUnavailableError, StoredRecord, TopicPartition

logger = logging.getLogger(__name__)


class Topics(Protocol):
    """Topics and their incarnations."""

    def incarnation(self, topic: str) -> str:
        """Return the incarnation id of a known topic."""


class Standbys:
    """The standby partitions of one member."""

    def __init__(
        self,
        app: Any,
        broker: Reads,
        topics: Topics,
        stores: Callable[[], Mapping[str, CommittedStore]],
        restorer: Restorer,
        on_damaged: Callable[[TP, DamagedPartitionError, int], None],
    ) -> None:
        """Create the follower.

        Args:
            app: Faust's app.
            broker: The broker with the changelogs.
            topics: The topics' incarnations.
            stores: Returns the table stores by changelog topic.
            restorer: Restores a copy before it is followed.
            on_damaged: Called with a changelog partition that cannot be read, its damage, and the next offset to read.
        """
        self.followed: set[TP] = set()
        self.positions: dict[TP, int] = {}
        self._app = app
        self._broker = broker
        self._topics = topics
        self._stores = stores
        self._restorer = restorer
        self._on_damaged = on_damaged
        self._following: asyncio.Task[None] | None = None
        self._hooked = False

    def take(self, assigned: set[TP]) -> None:
        """Select the standby partitions that this class can follow, and exclude them from Faust's recovery."""
        standbys = assigned & self._app.assignor.assigned_standbys()
        self.followed = {tp for tp in standbys if self._fits(tp)}
        if not self._hooked:
            self._hooked = True
            internals.leave_standbys_alone(self._app.tables.recovery, lambda tp: tp in self.followed)

    def follow(self) -> None:
        """Start the follower in the background, once this member's own tables are restored and its events flow."""
        if self.followed:
            self._following = asyncio.create_task(self._follow(sorted(self.followed)))

    async def leave(self) -> None:
        """Stop the follower. After this returns, the rows of standbys do not change."""
        following, self._following = self._following, None
        if following is not None:
            await cancel_and_wait(following)
        self.followed, self.positions = set(), {}

    def _fits(self, tp: TP) -> bool:
        """Return whether a partition can be followed: its store has checkpoints, and no listener needs each record."""
        table = internals.table_of_changelog(self._app, tp.topic)
        return tp.topic in self._stores() and not table.is_global and not internals.has_changelog_listener(table)

    async def _follow(self, tps: list[TP]) -> None:
        while self._app.rebalancing:  # noqa: ASYNC110 - Faust has no event for that
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
        """Restore a standby copy from the log. When that fails, the member that takes over restores it later."""
        self.positions.pop(tp, None)
        try:
            await self._restorer.restore({tp})
        except DamagedPartitionError as exc:
            self._on_damaged(tp, exc, 0)
            return
        except LogError as exc:
            logger.warning("standing by for %s is not possible: %s", tp, exc)
            return
        checkpoint = self._stores()[tp.topic].checkpoint(tp)
        self.positions[tp] = 0 if checkpoint is None else checkpoint.offset + 1

    async def _read(self) -> bool:
        """Fetch and apply new records, and leave damaged partitions; return whether more records wait."""
        wanted = {TopicPartition(*tp): offset for tp, offset in self.positions.items()}
        fetched = await self._broker.fetch_each(wanted, count=FETCH_RECORDS_MAX)
        for damaged, error in fetched.damaged.items():
            self._on_damaged(TP(*damaged), error, self.positions.pop(TP(*damaged)))
        for found, records in fetched.records.items():
            tp = TP(*found)
            if records[0].offset == self.positions[tp]:
                self._apply(tp, records)
            else:
                await self._begin(tp)  # the records were trimmed meanwhile, but the snapshot has their rows
        behind = fetched.is_full
        tables = self._app.tables
        if not behind and not tables.recovery.standby_tps:
            tables.on_standbys_ready()
        return behind

    def _apply(self, tp: TP, records: list[StoredRecord]) -> None:
        last = records[-1]
        rows = {record.key: record.value for record in records if record.key is not None}
        checkpoint = Checkpoint(self._topics.incarnation(tp.topic), last.offset, last.writer)
        self._stores()[tp.topic].restore(tp, rows.items(), checkpoint)
        self.positions[tp] = last.offset + 1
