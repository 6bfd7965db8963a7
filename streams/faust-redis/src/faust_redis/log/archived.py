"""What the log knows of its archive: how far each partition is archived, and in which files.

The manifest of a partition lists the files of its archive. It is a field of the log, so that it changes in one step
with the offset up to which trimming may go, and is restored together with the records. Knows no files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, Self

import orjson

from faust_redis.log.client import Log
from faust_redis.log.codec import topic_partition
from faust_redis.log.errors import IncarnationError, LogError
from faust_redis.log.records import StoredRecord, TopicPartition
from faust_redis.log.scripts import ARCHIVE, LEASE


class ManifestMovedError(LogError):
    """Another process has changed the manifest, or the broker was restored. Nothing was changed."""


class Segment(NamedTuple):
    """One file of an archive: consecutive records of a partition.

    Attributes:
        first: The offset of its first record.
        end: The offset after its last record.
        until_ms: When its last record was archived, in milliseconds since 1970.
        size: Its size in bytes.
        digest: The digest of its records, see `faust_redis.archive.files`.
        name: The name of the file.
    """

    first: int
    end: int
    until_ms: int
    size: int
    digest: str
    name: str


class Manifest(NamedTuple):
    """The files of one partition, in the order of their offsets.

    Attributes:
        incarnation: The incarnation of the topic.
        segments: The files. Between two of them records may be missing; they never overlap.
        stored: The bytes as the log has them; empty before the first.
    """

    incarnation: str
    segments: tuple[Segment, ...] = ()
    stored: bytes = b""

    @classmethod
    def parse(cls, stored: bytes) -> Self:
        """Return the manifest that the log has."""
        found = orjson.loads(stored.partition(b" ")[2])
        return cls(found["incarnation"], tuple(Segment(*one) for one in found["segments"]), stored)

    @property
    def end(self) -> int:
        """Return the offset below which records are archived; 0 for none."""
        return self.segments[-1].end if self.segments else 0

    @property
    def size(self) -> int:
        """Return the bytes of all files."""
        return sum(segment.size for segment in self.segments)

    def encode(self) -> bytes:
        """Return it as JSON, as the file beside the segments has it, too."""
        return orjson.dumps({"incarnation": self.incarnation, "segments": [list(one) for one in self.segments]})

    def with_segments(self, segments: Sequence[Segment]) -> Manifest:
        """Return the manifest that follows this one.

        Raises:
            AssertionError: the segments overlap, or the archive would end earlier.
        """
        if not segments or segments[-1].end < self.end:
            raise AssertionError(f"the archive would end before {self.end}: {segments}")
        if any(one.end > other.first for one, other in pairwise(segments)):
            raise AssertionError(f"segments overlap: {segments}")
        if any(one.first >= one.end for one in segments):
            raise AssertionError(f"a segment is empty: {segments}")
        return self._replace(segments=tuple(segments))

    def without(self, name: str) -> Manifest:
        """Return the manifest without a segment. An archive that ends earlier then archives what the log still has."""
        return self._replace(segments=tuple(segment for segment in self.segments if segment.name != name))

    def holding(self, offset: int) -> Segment | None:
        """Return the segment that holds an offset or, when none does, the next one; None after the last."""
        return next((segment for segment in self.segments if segment.end > offset), None)

    def gaps(self) -> Iterator[range]:
        """Yield the offsets that are missing between two segments."""
        for one, other in pairwise(self.segments):
            if one.end < other.first:
                yield range(one.end, other.first)

    def begins_before(self, offset: int) -> int:
        """Return the first offset from which on the archive holds all records below an offset."""
        for segment in reversed(self.segments):
            if segment.first < offset:
                if segment.end < offset:
                    break
                offset = segment.first
        return offset


class Seen(NamedTuple):
    """What a process that archives saw of the log: the server before it read, and the last record of the segment."""

    server: str
    last: StoredRecord


class Manifests:
    """The manifests of one log. All methods raise `LogUnavailableError` as those of `Log` do."""

    def __init__(self, log: Log) -> None:
        self._log = log

    @property
    def namespace(self) -> str:
        """Return the namespace of the log."""
        return self._log.keys.namespace

    async def of_topic(self, topic: str) -> dict[int, Manifest]:
        """Return the manifests of a topic by partition. A partition without an archive has none."""
        [found] = await self._log.at_once(("HGETALL", self._log.keys.archived(topic)))
        return {int(partition): Manifest.parse(stored) for partition, stored in found.items()}

    async def of(self, tp: TopicPartition) -> Manifest | None:
        """Return the manifest of a partition; None without an archive."""
        [stored] = await self._log.at_once(("HGET", self._log.keys.archived(tp.topic), str(tp.partition)))
        return None if stored is None else Manifest.parse(stored)

    async def server(self) -> str:
        """Return what identifies the server and its history: it changes with a restart and with a failover."""
        server, replication = await self._log.at_once(("INFO", "server"), ("INFO", "replication"))
        return f"{server['run_id']}{replication['master_replid']}"

    async def replace(
        self, tp: TopicPartition, present: Manifest, following: Manifest, seen: Seen | None = None
    ) -> Manifest:
        """Replace a partition's manifest by the one that follows it; return that one.

        Args:
            tp: The partition.
            present: The manifest that the log must have.
            following: The next one.
            seen: What the log must still have, when the next one names new records.

        Raises:
            ManifestMovedError: the log has another manifest than `present`, or not all of the records.
            IncarnationError: the topic was created again.
        """
        keys, encoded = self._log.keys, following.encode()
        expected = _sha1(present.stored) if present.stored else ""
        server, evidence = ("", "") if seen is None else (seen.server, _sha1(seen.last.evidence))
        answer = await self._log.run(
            ARCHIVE,
            [keys.topic(tp.topic), keys.archived(tp.topic), keys.ends(tp.topic), keys.stream(*tp)],
            [tp.partition, following.incarnation, expected, following.end, encoded, server, evidence],
        )
        if answer == b"INCARNATION":
            raise IncarnationError(f"topic {tp.topic!r} was created again while its records were archived")
        if answer != b"OK":
            raise ManifestMovedError(
                f"the archive of {tp.topic}:{tp.partition} was changed by another process, or the broker was restored "
                "to an earlier state"
            )
        return Manifest(following.incarnation, following.segments, b"%d %b" % (following.end, encoded))

    async def processed(self, topic: str) -> dict[int, int]:
        """Return the lowest offset of each partition that some group has committed: what it has yet to process."""
        keys = self._log.keys
        [groups] = await self._log.at_once(("SMEMBERS", keys.groups))
        lowest: dict[int, int] = {}
        for name in groups:
            [offsets] = await self._log.at_once(("HGETALL", keys.offsets(name.decode())))
            for place, offset in offsets.items():
                tp = topic_partition(place)
                if tp.topic == topic:
                    lowest[tp.partition] = min(int(offset), lowest.get(tp.partition, int(offset)))
        return lowest


def _sha1(content: bytes) -> str:
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


class ArchiverLease:
    """The right to be the one process that archives a log. It only saves work: two archivers do no harm."""

    def __init__(self, log: Log, holder: str, lease_ms: int) -> None:
        self._log = log
        self._holder = holder
        self._lease_ms = lease_ms

    async def renew(self) -> str | None:
        """Take or renew the lease; return None, or who has it."""
        holder = await self._run(self._lease_ms)
        return None if holder == self._holder else holder

    async def release(self) -> None:
        """End the lease."""
        await self._run(0)

    async def _run(self, lease_ms: int) -> str:
        answer: Any = await self._log.run(LEASE, [self._log.keys.archiver], [self._holder, lease_ms])
        return str(answer.decode())
