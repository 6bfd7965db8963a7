"""Names of files in an archive: `<namespace>/<topic>/<incarnation>/<partition>/<first>-<end>.<token>.parquet`."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from faust_redis.log.records import TopicPartition

SUFFIX = ".parquet"
MANIFEST = "manifest.json"
DIGITS = 20


@dataclass(frozen=True, slots=True)
class Place:
    """Where the files of one partition are, for one incarnation of its topic."""

    namespace: str
    tp: TopicPartition
    incarnation: str

    @property
    def topic_directory(self) -> str:
        """Return the directory of the topic, with all its incarnations."""
        return f"{self.namespace}/{self.tp.topic}"

    @property
    def directory(self) -> str:
        """Return the directory of the partition."""
        return f"{self.topic_directory}/{self.incarnation}/{self.tp.partition}"

    @property
    def manifest(self) -> str:
        """Return the path of the copy of the manifest, for readers without the broker."""
        return f"{self.directory}/{MANIFEST}"

    def segment(self, name: str) -> str:
        """Return the path of a segment."""
        return f"{self.directory}/{name}"


def segment_name(first: int, end: int) -> str:
    """Return a name for a new segment. No other file has it, so that a file never changes once it has its name."""
    return f"{first:0{DIGITS}}-{end:0{DIGITS}}.{secrets.token_hex(4)}{SUFFIX}"
