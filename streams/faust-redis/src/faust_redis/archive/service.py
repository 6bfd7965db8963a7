"""Archive a log as it grows, on the one process that has the lease; look after the files of its archive."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from faust_redis.archive.archiver import SEGMENT_RECORDS_MAX, Archiver, Backlog
from faust_redis.archive.errors import DamagedFileError, NotEqualError, StorageError
from faust_redis.archive.upkeep import Upkeep
from faust_redis.log.archived import ArchiverLease, Manifest, ManifestMovedError, Segment
from faust_redis.log.errors import DamagedPartitionError, IncarnationError, TrimmedError, UnknownTopicError
from faust_redis.log.records import TopicInfo, TopicPartition

logger = logging.getLogger(__name__)

POLL_S_MAX: Final = 10.0
"""How often the archiver looks for new records, at least."""
SWEEP_S: Final = 3_600.0
PARTITION_FAULTS: Final = (DamagedFileError, NotEqualError, DamagedPartitionError, TrimmedError)
"""What concerns one partition alone; the others go on."""
PASSING: Final = (ManifestMovedError, IncarnationError, UnknownTopicError)
"""What the next look resolves: another archiver was faster, or the topic was created again."""


@dataclass(slots=True)
class ArchiveState:
    """What an archiver has done and does.

    Attributes:
        leads: Whether this process has the lease.
        holder: Who has it otherwise.
        trouble: Why nothing is archived now; None when all is well.
        faults: Why a partition is not archived, by partition.
        doing: The last step.
        waiting_since: When the first record that is not archived was seen, by partition, by the monotonic clock.
        ends: The offset up to which a partition is archived.
        sizes: The bytes of its files.
        records: Records that this process archived.
        written: Bytes of the files that it wrote for them.
        files: Files that it wrote for them.
        merged: Files that it merged into others.
        removed: Files past their retention, or named by no manifest, that it removed.
    """

    leads: bool = False
    holder: str | None = None
    trouble: str | None = "it has not looked at the log yet"
    faults: dict[TopicPartition, str] = field(default_factory=dict)
    doing: str = ""
    waiting_since: dict[TopicPartition, tuple[int, float]] = field(default_factory=dict)
    ends: dict[TopicPartition, int] = field(default_factory=dict)
    sizes: dict[TopicPartition, int] = field(default_factory=dict)
    records: int = 0
    written: int = 0
    files: int = 0
    merged: int = 0
    removed: int = 0


class ArchiveService:
    """Archives what is due, until it is cancelled."""

    def __init__(
        self,
        archiver: Archiver,
        upkeep: Upkeep,
        lease: ArchiverLease,
        *,
        interval_s: float,
        renew_s: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Create the service.

        Args:
            archiver: Archives one segment.
            upkeep: Looks after the files.
            lease: The lease of this process.
            interval_s: How long a record waits until it is archived with those that came after it.
            renew_s: How often the lease is renewed.
            monotonic: Seconds that never go back.
        """
        self.state = ArchiveState()
        self._archiver = archiver
        self._upkeep = upkeep
        self._lease = lease
        self._interval_s = interval_s
        self._renew_s = renew_s
        self._monotonic = monotonic
        self._swept_s = -math.inf
        self._seen: set[TopicPartition] = set()

    def lag_s(self) -> float:
        """Return for how long the oldest record that is not archived has waited; 0 while another process archives."""
        if not self.state.leads:
            return 0.0
        now_s = self._monotonic()
        return max((now_s - seen_s for _, seen_s in self.state.waiting_since.values()), default=0.0)

    async def run(self) -> None:
        """Archive until cancelled. May be called again after it raised.

        Raises:
            LogError: the log cannot be reached, or refuses.
        """
        renewing = asyncio.create_task(self._renew(), name="lease of the archiver")
        try:
            while True:
                if self.state.leads:
                    await self.once()
                await self._pause(renewing)
        finally:
            renewing.cancel()
            await asyncio.gather(renewing, return_exceptions=True)
            self.state.leads = False

    async def stop(self) -> None:
        """End the lease."""
        await self._lease.release()

    async def _renew(self) -> None:
        while True:
            self.state.holder = await self._lease.renew()
            self.state.leads = self.state.holder is None
            if not self.state.leads:
                self.state.trouble = None
            await asyncio.sleep(self._renew_s)

    async def _pause(self, renewing: asyncio.Task[None]) -> None:
        """Wait until the next look; raise what ended the renewals."""
        pause_s = min(POLL_S_MAX, self._interval_s) if self.state.leads else self._renew_s / 3
        done, _ = await asyncio.wait({renewing}, timeout=pause_s)
        for task in done:
            task.result()

    async def once(self) -> None:
        """Archive all that is due, and merge. A place that cannot be reached ends this look, and the next one retries.

        Raises:
            LogError: the log cannot be reached.
        """
        try:
            infos = await self._archiver.topics()
            for info in infos:
                await self._topic(info)
            if self._monotonic() - self._swept_s >= SWEEP_S:
                await self._sweep(infos)
        except StorageError as exc:
            if str(exc) != self.state.trouble:
                logger.warning("archiving waits: %s", exc)
            self.state.trouble = str(exc)
        except PASSING as exc:
            logger.info("archiving begins again: %s", exc)
        else:
            self.state.trouble = None

    async def _sweep(self, infos: Sequence[TopicInfo]) -> None:
        for info in infos:
            for partition in range(info.spec.partitions):
                self.state.removed += await self._upkeep.expire(info, partition)
            self.state.removed += await self._upkeep.sweep(info)
        self._swept_s = self._monotonic()

    async def _topic(self, info: TopicInfo) -> None:
        for partition, backlog in (await self._archiver.backlogs(info)).items():
            tp = TopicPartition(info.spec.name, partition)
            try:
                await self._partition(info, tp, backlog)
            except PARTITION_FAULTS as exc:
                if self.state.faults.get(tp) != str(exc):
                    logger.warning("%s:%d has a fault, other partitions go on: %s", *tp, exc)
                self.state.faults[tp] = str(exc)
            else:
                self.state.faults.pop(tp, None)

    async def _partition(self, info: TopicInfo, tp: TopicPartition, backlog: Backlog) -> None:
        if backlog.archived is not None:
            self._note(tp, backlog.archived)
        if backlog.lost:
            logger.warning("neither log nor archive has records %d to %d of %s:%d", *_ends(backlog.lost), *tp)
        while backlog.size and self._is_due(tp, backlog):
            manifest = await self._archiver.archive(info, tp.partition, backlog)
            self._count(tp, manifest.segments[-1])
            self._note(tp, manifest)
            backlog = (await self._archiver.backlogs(info))[tp.partition]
            while merged := await self._upkeep.merge(info, tp.partition):
                self.state.merged += merged
        if not backlog.size:
            self.state.waiting_since.pop(tp, None)

    def _is_due(self, tp: TopicPartition, backlog: Backlog) -> bool:
        """Return whether the records of a backlog have waited long enough, or are many. The first look never waits."""
        now_s, known = self._monotonic(), self.state.waiting_since.get(tp)
        if known is None or known[0] != backlog.begin:
            waited_s = 0.0 if tp in self._seen else self._interval_s
            known = self.state.waiting_since[tp] = (backlog.begin, now_s - waited_s)
        self._seen.add(tp)
        return backlog.size >= SEGMENT_RECORDS_MAX or now_s - known[1] >= self._interval_s

    def _note(self, tp: TopicPartition, manifest: Manifest) -> None:
        self.state.ends[tp] = manifest.end
        self.state.sizes[tp] = manifest.size

    def _count(self, tp: TopicPartition, segment: Segment) -> None:
        self.state.records += segment.end - segment.first
        self.state.written += segment.size
        self.state.files += 1
        logger.info("archived records %d to %d of %s:%d in %d bytes", segment.first, segment.end - 1, *tp, segment.size)


def _ends(offsets: range) -> tuple[int, int]:
    return offsets.start, offsets.stop - 1
