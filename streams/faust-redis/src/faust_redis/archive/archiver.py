"""Move records from the log to its archive. A record counts as archived when its file was read back and compared.

For each partition: write a file of the records after the archive's end, read it back and compare it with the log, which
is read again, then replace the manifest in the log by one with this file. Trimming removes no record above the
manifest's end. A file that no manifest names is of no effect: a process that was killed leaves such a file, and so
does a slower one of two. `Upkeep` deletes them later.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple, Protocol

from faust_redis.archive import segments
from faust_redis.archive.errors import NotEqualError
from faust_redis.archive.files import Digest
from faust_redis.archive.paths import Place
from faust_redis.archive.storage import Storage
from faust_redis.log.archived import Manifest, Manifests, Seen
from faust_redis.log.client import Log
from faust_redis.log.errors import TrimmedError
from faust_redis.log.records import StoredRecord, TopicInfo, TopicPartition

SEGMENT_RECORDS_MAX = 65_536
SEGMENT_BYTES_MAX = 16 << 20
"""Keys and values of a segment, which the archiver has in memory, after which it takes no further record."""
FETCH_RECORDS = 2_000


class Report(Protocol):
    """Is told of each step of the archiver."""

    async def __call__(self, step: str, tp: TopicPartition, /) -> None:
        """Note that a step of a partition is done: written, compared, archived."""


async def unreported(step: str, tp: TopicPartition, /) -> None:
    """Note nothing."""


class Backlog(NamedTuple):
    """The records of a partition that are not archived.

    Attributes:
        begin: The offset of the first one.
        end: The high watermark.
        lost: The offsets before them that neither the log nor the archive has.
        archived: The manifest of the partition; None before the first.
    """

    begin: int
    end: int
    lost: range
    archived: Manifest | None

    @property
    def size(self) -> int:
        """Return the number of records."""
        return self.end - self.begin


class Archiver:
    """Archives the partitions of one log, on behalf of a process of which one should run at a time."""

    def __init__(
        self,
        log: Log,
        storage: Storage,
        report: Report = unreported,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """Create an archiver.

        Args:
            log: The log, without its archive.
            storage: Where the files go.
            report: Is told of each step.
            now_s: The wall clock, in seconds since 1970.
        """
        self.log = log
        self.storage = storage
        self.manifests = Manifests(log)
        self._report = report
        self._now_s = now_s

    async def topics(self) -> list[TopicInfo]:
        """Return the topics that are declared as archived."""
        infos = [await self.log.topic(name, fresh=True) for name in await self.log.topics()]
        return [info for info in infos if info.spec.archived]

    def place(self, info: TopicInfo, partition: int) -> Place:
        """Return where the files of a partition are."""
        return Place(self.manifests.namespace, TopicPartition(info.spec.name, partition), info.incarnation)

    async def backlogs(self, info: TopicInfo) -> dict[int, Backlog]:
        """Return what each partition of a topic has to archive."""
        topic = info.spec.name
        manifests = await self.manifests.of_topic(topic)
        begins, ends = await self.log.beginning_offsets(topic), await self.log.end_offsets(topic)
        backlogs: dict[int, Backlog] = {}
        for partition, end in ends.items():
            manifest = manifests.get(partition)
            archived = begins[partition] if manifest is None or not manifest.segments else manifest.end
            begin = max(archived, begins[partition])
            backlogs[partition] = Backlog(begin, max(begin, end), range(archived, begin), manifest)
        return backlogs

    async def archive(self, info: TopicInfo, partition: int, backlog: Backlog) -> Manifest:
        """Archive one segment of a partition; return the manifest with it.

        Raises:
            StorageError: the place of the archive cannot be reached, or is full.
            DamagedFileError: the file does not hold what was written.
            NotEqualError: the log has other records than a moment ago; it was restored to an earlier state.
            ManifestMovedError: another archiver was faster, or the log was restored to an earlier state.
            IncarnationError: the topic was created again.
            DamagedPartitionError: an entry of the stream cannot be read.
            TrimmedError: records were removed while they were read.
        """
        place, server = self.place(info, partition), await self.manifests.server()
        present = await self.manifests.of(place.tp) or Manifest(info.incarnation)
        if present.incarnation != info.incarnation:
            present = Manifest(info.incarnation, (), present.stored)
        records = await self._segment(place.tp, max(backlog.begin, present.end))
        span = range(records[0].offset, records[-1].offset + 1)
        now_ms = int(self._now_s() * 1000)
        segment = await asyncio.to_thread(segments.write, self.storage, place, records, span, now_ms)
        seen = Seen(server, records[-1])
        del records
        await self._report("written", place.tp)
        await asyncio.to_thread(segments.check, self.storage, place, segment)
        if await self._digest(place.tp, span) != segment.digest:
            raise NotEqualError(f"records {span.start} to {span.stop - 1} of {place.tp} changed while being archived")
        await self._report("compared", place.tp)
        following = present.with_segments([*present.segments, segment])
        manifest = await self.manifests.replace(place.tp, present, following, seen)
        await self._report("archived", place.tp)
        return manifest

    async def copy_manifest(self, place: Place, manifest: Manifest) -> None:
        """Copy a manifest beside its files, for readers without the broker."""
        encoded = manifest.encode()
        await asyncio.to_thread(self.storage.write, place.manifest, lambda file: file.write(encoded))

    async def _segment(self, tp: TopicPartition, begin: int) -> list[StoredRecord]:
        """Return the records of the next segment."""
        records: list[StoredRecord] = []
        size = 0
        async for some in self._read(tp, begin):
            records += some
            size += sum(len(one.key or b"") + len(one.value or b"") for one in some)
            if len(records) >= SEGMENT_RECORDS_MAX or size >= SEGMENT_BYTES_MAX:
                break
        if not records:
            raise TrimmedError(f"{tp.topic}:{tp.partition} has no record from {begin} on any more")
        return records

    async def _digest(self, tp: TopicPartition, span: range) -> str:
        """Read records of the log again, and return their digest."""
        digest = Digest()
        async for some in self._read(tp, span.start):
            digest.add([record for record in some if record.offset < span.stop])
            if digest.end >= span.stop:
                break
        return digest.text()

    async def _read(self, tp: TopicPartition, begin: int) -> AsyncIterator[list[StoredRecord]]:
        """Yield consecutive records of the log, whole batches at a time, up to its end."""
        offset = begin
        while records := (await self.log.fetch({tp: offset}, count=FETCH_RECORDS)).get(tp):
            if records[0].offset != offset:
                raise TrimmedError(f"records {offset} to {records[0].offset - 1} of {tp} were removed meanwhile")
            offset = records[-1].offset + 1
            yield records
