"""Compare an archive with what its manifests say, and with the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from faust_redis.archive import segments
from faust_redis.archive.archiver import Archiver
from faust_redis.archive.errors import DamagedFileError, StorageError
from faust_redis.log.archived import Manifest, Segment
from faust_redis.log.records import TopicInfo, TopicPartition


@dataclass(slots=True)
class Verified:
    """What was found in the archive of one partition.

    Attributes:
        tp: The partition.
        files: How many files were read.
        records: How many records they hold.
        size: Their bytes.
        faults: What is wrong, each in one line.
    """

    tp: TopicPartition
    files: int = 0
    records: int = 0
    size: int = 0
    faults: list[str] = field(default_factory=list)


async def verify(archiver: Archiver, info: TopicInfo) -> AsyncIterator[Verified]:
    """Read all files of a topic and compare them with the manifests: digests, gaps, whether the log continues each."""
    begins = await archiver.log.beginning_offsets(info.spec.name)
    for partition, manifest in sorted((await archiver.manifests.of_topic(info.spec.name)).items()):
        place = archiver.place(info, partition)
        found = Verified(place.tp)
        for segment in manifest.segments:
            try:
                found.records += await asyncio.to_thread(segments.check, archiver.storage, place, segment)
            except (DamagedFileError, StorageError) as exc:
                found.faults.append(str(exc))
            found.files += 1
            found.size += segment.size
        found.faults += _missing(manifest, begins.get(partition, 0))
        if manifest.incarnation != info.incarnation:
            found.faults.append(f"the manifest is of incarnation {manifest.incarnation}, not {info.incarnation}")
        yield found


def _missing(manifest: Manifest, log_begins: int) -> list[str]:
    gaps = [*manifest.gaps()]
    if manifest.segments and manifest.end < log_begins:
        gaps.append(range(manifest.end, log_begins))
    return [f"neither archive nor log has records {gap.start} to {gap.stop - 1}" for gap in gaps]


async def drop(archiver: Archiver, name: str) -> tuple[TopicPartition, Segment] | None:
    """Remove a segment from its manifest by the name of its file; return it, or None when no manifest names it.

    Raises:
        ManifestMovedError: the archiver changed the manifest at this moment.
    """
    for info in await archiver.topics():
        for partition, manifest in (await archiver.manifests.of_topic(info.spec.name)).items():
            for segment in manifest.segments:
                if segment.name == name:
                    tp = TopicPartition(info.spec.name, partition)
                    await archiver.manifests.replace(tp, manifest, manifest.without(name))
                    return tp, segment
    return None
