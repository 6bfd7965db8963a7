"""Keep an archive small: merge small files, remove old ones, and delete files that no manifest names."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Final

from faust_redis.archive import segments
from faust_redis.archive.archiver import Archiver
from faust_redis.archive.storage import StoredFile
from faust_redis.log.archived import Manifest, Segment
from faust_redis.log.records import TopicInfo

MERGE_MIN: Final = 8
"""Adjacent files of a size class that are merged, and so the most that stay of one."""
MERGE_MAX: Final = 64
CLASS_BYTES: Final = 64 << 10
CLASS_FACTOR: Final = 8
"""Sizes of the classes: up to 64 KiB, 512 KiB, 4 MiB, 32 MiB, 256 MiB."""
CLASSES: Final = 5
FILE_BYTES_MAX: Final = 256 << 20
SPAN_MS_MAX: Final = 31 * 86_400_000
"""How much time a merged file covers at most, so that retention can remove whole files."""
UNNAMED_S: Final = 7 * 86_400
"""How long a file stays that no manifest names. A broker that is restored to an earlier state within this time finds
the files of its manifests, and a reader with an earlier manifest the files of this one."""


def mergeable(files: Sequence[Segment]) -> Sequence[Segment]:
    """Return adjacent files that should be merged, those of the smallest size class first; none when there are none."""
    for number in range(CLASSES):
        run: list[Segment] = []
        for file in files:
            if run and not (_is_of(number, file) and _continues(run, file)):
                if len(run) >= MERGE_MIN:
                    return run
                run = []
            if _is_of(number, file):
                run.append(file)
            if len(run) == MERGE_MAX:
                return run
        if len(run) >= MERGE_MIN:
            return run
    return ()


def _is_of(number: int, file: Segment) -> bool:
    return file.size <= CLASS_BYTES * int(CLASS_FACTOR**number)


def _continues(run: Sequence[Segment], file: Segment) -> bool:
    size = sum(one.size for one in run) + file.size
    return run[-1].end == file.first and size <= FILE_BYTES_MAX and file.until_ms - run[0].until_ms <= SPAN_MS_MAX


class Upkeep:
    """Looks after the files of one archive. Each change replaces a manifest, so that a kill at any step is harmless."""

    def __init__(self, archiver: Archiver, retention_ms: int, now_s: Callable[[], float] = time.time) -> None:
        """Create it.

        Args:
            archiver: Has the log and the place of the files.
            retention_ms: How long archived records are kept; 0 for good.
            now_s: The wall clock, in seconds since 1970.
        """
        self._archiver = archiver
        self._retention_ms = retention_ms
        self._now_s = now_s

    async def merge(self, info: TopicInfo, partition: int) -> int:
        """Merge adjacent small files of a partition once; return how many there were.

        Raises:
            StorageError: a file cannot be read or written.
            DamagedFileError: a file is not what was written; nothing was changed.
            ManifestMovedError: another process was faster.
        """
        place = self._archiver.place(info, partition)
        present = await self._present(info, partition)
        parts = mergeable(present.segments)
        if not parts:
            return 0
        merged = await asyncio.to_thread(segments.merge, self._archiver.storage, place, parts)
        rest = [one for one in present.segments if one not in parts]
        following = present.with_segments(sorted([*rest, merged]))
        await self._archiver.manifests.replace(place.tp, present, following)
        return len(parts)

    async def expire(self, info: TopicInfo, partition: int) -> int:
        """Remove files from the manifest whose records are all past the retention and processed by every group.

        The last file stays. Errors are those of `merge`.
        """
        if not self._retention_ms:
            return 0
        present = await self._present(info, partition)
        until_ms = self._now_s() * 1000 - self._retention_ms
        needed = (await self._archiver.manifests.processed(info.spec.name)).get(partition, present.end)
        old = 0
        for segment in present.segments[:-1]:
            if segment.until_ms >= until_ms or segment.end > needed:
                break
            old += 1
        if old:
            place = self._archiver.place(info, partition)
            following = present.with_segments(present.segments[old:])
            await self._archiver.manifests.replace(place.tp, present, following)
        return old

    async def sweep(self, info: TopicInfo) -> int:
        """Copy a topic's manifests beside their files, and delete those that none has named for long; return how many.

        Files of earlier incarnations of the topic stay as long as archived records do.

        Raises:
            StorageError: a file cannot be deleted.
        """
        storage = self._archiver.storage
        manifests = await self._archiver.manifests.of_topic(info.spec.name)
        named: set[str] = set()
        for partition, manifest in manifests.items():
            place = self._archiver.place(info, partition)
            await self._archiver.copy_manifest(place, manifest)
            named |= {place.manifest, *(place.segment(segment.name) for segment in manifest.segments)}
        topic = self._archiver.place(info, 0).topic_directory
        present = f"{topic}/{info.incarnation}/"
        found = await asyncio.to_thread(storage.files, topic)
        gone = [one for one in found if one.path not in named and self._is_old(one, present)]
        for one in gone:
            await asyncio.to_thread(storage.delete, one.path)
        return len(gone)

    def _is_old(self, file: StoredFile, present: str) -> bool:
        if not file.path.startswith(present) and not self._retention_ms:
            return False
        kept_s = UNNAMED_S if file.path.startswith(present) else max(UNNAMED_S, self._retention_ms / 1000)
        return file.written_s < self._now_s() - kept_s

    async def _present(self, info: TopicInfo, partition: int) -> Manifest:
        place = self._archiver.place(info, partition)
        return await self._archiver.manifests.of(place.tp) or Manifest(info.incarnation)
