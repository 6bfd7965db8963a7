"""Write, read back and compare single segments. Blocking; the archiver calls it in a thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from faust_redis.archive import files
from faust_redis.archive.errors import DamagedFileError
from faust_redis.archive.files import Digest
from faust_redis.archive.paths import Place, segment_name
from faust_redis.archive.storage import Storage
from faust_redis.log.archived import Segment
from faust_redis.log.records import StoredRecord


def write(storage: Storage, place: Place, records: Iterable[StoredRecord], span: range, until_ms: int) -> Segment:
    """Write the records of some offsets as a new segment; return it with the digest of the records that were given.

    Raises:
        StorageError: it could not be written.
        DamagedFileError: an offset is missing.
    """
    name = segment_name(span.start, span.stop)
    digests: list[str] = []
    size = storage.write(place.segment(name), lambda file: digests.append(files.write(file, records)))
    return Segment(span.start, span.stop, until_ms, size, digests[0], name)


def read(storage: Storage, place: Place, segment: Segment) -> Iterator[StoredRecord]:
    """Yield the records of a segment, and compare their digest after the last one.

    Raises:
        StorageError: the file cannot be read.
        DamagedFileError: it is not what was written.
    """
    path = place.segment(segment.name)
    digest = Digest()
    try:
        with storage.reading(path) as file:
            for record in files.read_all(files.open_file(file)):
                digest.add([record])
                yield record
        _compare(digest, segment)
    except DamagedFileError as exc:
        raise DamagedFileError(f"{storage.shown(path)}: {exc}") from exc


def _compare(digest: Digest, segment: Segment) -> None:
    if (digest.first, digest.end, digest.text()) != (segment.first, segment.end, segment.digest):
        raise DamagedFileError(
            f"it holds records {digest.first} to {digest.end - 1} with digest {digest.text()}, "
            f"where {segment.first} to {segment.end - 1} with digest {segment.digest} were written"
        )


def check(storage: Storage, place: Place, segment: Segment) -> int:
    """Read a segment whole and compare it with what was written; return how many records it holds. Errors as `read`."""
    return sum(1 for _ in read(storage, place, segment))


def merge(storage: Storage, place: Place, parts: Iterable[Segment]) -> Segment:
    """Write consecutive segments as one, and compare the new one and its parts. Errors are those of `read`."""
    sources = list(parts)
    span = range(sources[0].first, sources[-1].end)
    records = (record for part in sources for record in read(storage, place, part))
    merged = write(storage, place, records, span, max(part.until_ms for part in sources))
    check(storage, place, merged)
    return merged
