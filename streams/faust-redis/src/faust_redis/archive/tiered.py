"""A log whose readers by offset also get the records that were trimmed, out of its archive, without knowing."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, NamedTuple, TypeVar

from faust_redis.archive.errors import DamagedArchiveError, DamagedFileError, MissingFileError, StorageError
from faust_redis.archive.paths import Place
from faust_redis.log.address import NAMESPACE
from faust_redis.log.archived import Manifest, Manifests, Segment
from faust_redis.log.client import Log
from faust_redis.log.errors import DamagedPartitionError, LogUnavailableError
from faust_redis.log.records import Fetched, StoredRecord, TopicPartition
from faust_redis.log.sharded import Client
from faust_redis.log.shards import WHOLE, Shard

if TYPE_CHECKING:
    from faust_redis.archive.reader import SegmentReader

RECENT_S: Final = 5.0
"""How long a reader relies on what it saw: where the log begins, and the files of a partition."""

T = TypeVar("T")


class _Recent(NamedTuple, Generic[T]):
    """Something that the reader saw, and until when it relies on it, by the event loop's time."""

    value: T
    until_s: float


class TieredLog(Log):
    """A log and its archive. See `Log`; only the four reads by offset differ.

    They read the log first. Where it begins above the offset that was asked for, they look into the archive.
    """

    def __init__(
        self,
        url: str,
        namespace: str = NAMESPACE,
        *,
        owner: str = "",
        shard: Shard = WHOLE,
        transit: str = "",
        archive: str,
        compacted: bool = False,
    ) -> None:
        """Create the client.

        Args:
            url: The broker's URL.
            namespace: The namespace of the log.
            owner: The application that the namespace belongs to.
            shard: Which of the namespace's shards it is.
            transit: See `Log`.
            archive: The URL of the archive, see `faust_redis.archive.storage`.
            compacted: Whether to read compacted topics from the archive, too. A worker does not: it restores tables
                from their snapshots.
        """
        super().__init__(url, namespace, owner=owner, shard=shard, transit=transit)
        self._archive = archive
        self._compacted = compacted
        self._manifests = Manifests(self)
        self._known: dict[TopicPartition, _Recent[Manifest]] = {}
        self._begins: dict[TopicPartition, _Recent[int]] = {}
        self._reader: SegmentReader | None = None

    async def close(self) -> None:
        """Close all connections and files."""
        reader, self._reader = self._reader, None
        if reader is not None:
            await reader.close()
        await super().close()

    async def fetch_each(
        self, offsets: Mapping[TopicPartition, int], *, count: int = 500, block_ms: int | None = None
    ) -> Fetched:
        """Fetch as `Log` does; the partitions whose records are trimmed, from the archive.

        A damaged archive damages its partition alone. One that cannot be reached makes its partitions wait, and raises
        `LogUnavailableError` when there is nothing else to return.
        """
        cold = self._cold(offsets)
        hot = {tp: offset for tp, offset in offsets.items() if tp not in cold}
        fetched = await super().fetch_each(hot, count=count, block_ms=None if cold else block_ms)
        for tp, found in fetched.records.items():
            if found[0].offset > offsets[tp]:
                cold[tp] = found[0].offset
        return await self._with_archived(fetched, offsets, cold, count) if cold else fetched

    def _cold(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, int]:
        """Return the partitions that the log was just seen to begin above the offset, each with its beginning."""
        now_s = asyncio.get_running_loop().time()
        self._begins = {tp: known for tp, known in self._begins.items() if known.until_s > now_s}
        return {
            tp: self._begins[tp].value
            for tp, offset in offsets.items()
            if tp in self._begins and self._begins[tp].value > offset
        }

    async def _with_archived(
        self, fetched: Fetched, offsets: Mapping[TopicPartition, int], cold: Mapping[TopicPartition, int], count: int
    ) -> Fetched:
        records, damaged = dict(fetched.records), dict(fetched.damaged)
        unavailable: LogUnavailableError | None = None
        for tp, begin in cold.items():
            try:
                archived = await self._range(tp, offsets[tp], begin, count)
            except DamagedPartitionError as exc:
                damaged[tp] = exc
                records.pop(tp, None)
            except LogUnavailableError as exc:
                unavailable = exc
                records.pop(tp, None)
            else:
                if archived:
                    records[tp] = archived
                    self._begins.setdefault(tp, self._recent(begin))
                else:
                    self._begins.pop(tp, None)
        if unavailable is not None and not records and not damaged:
            raise unavailable
        return Fetched(records, damaged, is_full=True, cut=fetched.cut | cold.keys())

    def _recent(self, value: T) -> _Recent[T]:
        return _Recent(value, asyncio.get_running_loop().time() + RECENT_S)

    async def at(self, offsets: Mapping[TopicPartition, int]) -> dict[TopicPartition, StoredRecord | None]:
        """Return the record at an offset of each partition, also a trimmed one; None where there is none."""
        found = await super().at(offsets)
        for tp in [tp for tp, record in found.items() if record is None]:
            records = await self._range(tp, offsets[tp], offsets[tp] + 1, 1)
            found[tp] = records[0] if records and records[0].offset == offsets[tp] else None
        return found

    async def tail(self, tp: TopicPartition, count: int) -> list[StoredRecord]:
        """Return the last `count` records of a partition, oldest first, also trimmed ones."""
        records = await super().tail(tp, count)
        begin = records[0].offset if records else 0
        missing = min(count - len(records), begin)
        earlier = await self._range(tp, begin - missing, begin, missing) if missing > 0 else []
        return earlier + records if earlier and earlier[-1].offset == begin - 1 else records

    async def beginning_offsets(self, topic: str) -> dict[int, int]:
        """Return the lowest offset of each partition from which on log and archive have all records."""
        begins = await super().beginning_offsets(topic)
        if not await self._is_archived(topic):
            return begins
        manifests = await self._manifests.of_topic(topic)
        return {p: manifests[p].begins_before(begin) if p in manifests else begin for p, begin in begins.items()}

    async def _is_archived(self, topic: str) -> bool:
        return self._compacted or not (await self.topic(topic)).spec.compacted

    async def _range(self, tp: TopicPartition, offset: int, below: int, count: int) -> list[StoredRecord]:
        """Return up to `count` archived records from an offset on, but below a bound; none when there is none.

        Where the archive lacks the offset, they begin above it.
        """
        records: list[StoredRecord] = []
        while len(records) < count and offset < below:
            found = await self._segment(tp, offset)
            if found is None or found[1].first >= below or (records and found[1].first > offset):
                break
            place, segment = found
            offset = max(offset, segment.first)
            records += await self._read(place, segment, offset, min(count - len(records), below - offset))
            offset = records[-1].offset + 1
        return records

    async def _segment(self, tp: TopicPartition, offset: int) -> tuple[Place, Segment] | None:
        """Return the segment that holds an offset, or the next one; from memory if the manifest was read just now."""
        if not await self._is_archived(tp.topic):
            return None
        known, incarnation = self._known.get(tp), (await self.topic(tp.topic)).incarnation
        if known is None or known.until_s < asyncio.get_running_loop().time():
            manifest = await self._manifests.of(tp)
            if manifest is None or manifest.incarnation != incarnation:
                return None
            known = self._known[tp] = self._recent(manifest)
        segment = known.value.holding(offset)
        return None if segment is None else (Place(self.keys.namespace, tp, incarnation), segment)

    async def _read(self, place: Place, segment: Segment, offset: int, count: int) -> list[StoredRecord]:
        """Read records of a segment.

        Raises:
            DamagedArchiveError: its file is missing or damaged, and no other file holds its records by now.
            LogUnavailableError: the archive cannot be reached.
        """
        reader = self._opened()
        try:
            return await reader.read(place, segment, offset, count)
        except (MissingFileError, DamagedFileError) as exc:
            self._known.pop(place.tp, None)
            found = await self._segment(place.tp, offset)
            if found is not None and found[1] != segment and found[1].first <= offset:
                return await self._read(place, found[1], offset, count)
            raise DamagedArchiveError(place.tp, reader.shown(place, segment), str(exc)) from exc
        except StorageError as exc:
            raise LogUnavailableError(f"the archive cannot be read: {exc}") from exc

    def _opened(self) -> SegmentReader:
        """Return the reader of files; pyarrow takes a moment to import, and most processes read no trimmed record."""
        if self._reader is None:
            from faust_redis.archive.reader import SegmentReader  # noqa: PLC0415
            from faust_redis.archive.storage import Storage  # noqa: PLC0415

            self._reader = SegmentReader(Storage(self._archive))
        return self._reader


def client_of(archive: str | None, *, compacted: bool = False) -> Client:
    """Return what makes the client of a log, or of a shard, that has an archive; without one, of a plain log."""
    return Log if archive is None else partial(TieredLog, archive=archive, compacted=compacted)
