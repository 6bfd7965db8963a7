"""Errors of an archive."""

from __future__ import annotations

from faust_redis.log.errors import DamagedPartitionError
from faust_redis.log.records import TopicPartition


class StorageError(Exception):
    """The place of the archive cannot be reached, is full, or refuses."""


class MissingFileError(StorageError):
    """A file is not there."""


class DamagedFileError(Exception):
    """A file is not a segment that this library wrote, or its bytes have changed."""


class NotEqualError(Exception):
    """The log holds other records than those that were archived a moment ago; it was restored to an earlier state."""


class DamagedArchiveError(DamagedPartitionError):
    """A file of a partition's archive is missing or damaged, so that its records cannot be read."""

    def __init__(self, tp: TopicPartition, file: str, damage: str) -> None:
        super().__init__(*tp, damage)
        self.file = file
        message = (
            f"the archive of partition {tp.partition} of {tp.topic!r} is damaged: {file}: {damage}. Put the file back "
            "from a copy of the archive; 'archive verify' looks at all files, 'archive drop' gives one up for lost."
        )
        self.args = (message,)
