"""Store, list, replay and drop dead letters: messages that a consumer group could not process.

The topic is compacted. Its key contains the group and the message's topic, partition and offset, so the snapshot lists
the unresolved letters. Replaying or dropping a letter writes its tombstone, in the same write as the replayed record. A
replayed record names the group in a header. Other groups, which have processed the message already, skip it.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import Any, NamedTuple

import orjson

from faust_redis.admin import Admin
from faust_redis.log import Appended, IdempotencyKey, Log, LogUnavailableError, Record, TopicSpec, UnknownTopicError
from faust_redis.log.first_use import written_under
from faust_redis.log.partitioner import partition_for
from faust_redis.log.records import REPLAY_FOR_HEADER, Headers
from faust_redis.log.resizes import finished
from faust_redis.log.retention import RETENTION_MS

ERROR_CHARS_MAX = 4_000

REPLAY, DROP = "replay", "drop"
REMEMBERED_MS = 7 * 24 * 3_600_000
"""How long the log remembers whether a letter was replayed or dropped."""

RETRY_PAUSES_S = (0.1, 0.5, 2.0)
"""Pauses between attempts to replay or drop a letter while the broker is unreachable."""


class TransientError(Exception):
    """Raise this (or a subclass) in an agent for a temporary failure: the driver retries the event with back-off."""


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that a consumer group could not process.

    Attributes:
        group: The consumer group that gave up on it.
        topic: The topic of the message.
        partition: The partition of the message.
        offset: The offset of the message.
        key: Its original key.
        value: Its original value.
        timestamp_ms: Its event time.
        headers: Its original headers.
        error: The traceback of the last attempt.
        attempts: How often it was tried.
        agent: The agent that gave up on it.
    """

    group: str
    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    timestamp_ms: int
    headers: Headers
    error: str
    attempts: int
    agent: str

    @property
    def id(self) -> str:
        """Return the letter's id: ``group:topic:partition:offset``."""
        return f"{self.group}:{self.topic}:{self.partition}:{self.offset}"

    @property
    def cause(self) -> str:
        """Return the last line of the error, which names its type and says what was wrong; empty without one."""
        return (self.error.strip().splitlines() or [""])[-1]

    def replay_record(self, partition: int) -> Record:
        """Return the record that delivers the message again, in a partition, to its group only."""
        headers = tuple(pair for pair in self.headers if pair[0] != REPLAY_FOR_HEADER)
        marked = (*headers, (REPLAY_FOR_HEADER, self.group.encode()))
        return Record(self.topic, partition, self.key, self.value, self.timestamp_ms, marked)

    def encode(self) -> bytes:
        """Return the stored form of the letter, with bytes in base64."""
        return orjson.dumps(
            {
                "group": self.group,
                "topic": self.topic,
                "partition": self.partition,
                "offset": self.offset,
                "key": _text(self.key),
                "value": _text(self.value),
                "timestamp_ms": self.timestamp_ms,
                "headers": [[name, _text(value)] for name, value in self.headers],
                "error": self.error[:ERROR_CHARS_MAX],
                "attempts": self.attempts,
                "agent": self.agent,
            }
        )

    @classmethod
    def decode(cls, raw: bytes) -> DeadLetter:
        """Read a stored letter."""
        fields: dict[str, Any] = orjson.loads(raw)
        fields["key"], fields["value"] = _bytes(fields["key"]), _bytes(fields["value"])
        fields["headers"] = tuple((name, base64.b64decode(value)) for name, value in fields["headers"])
        return cls(**fields)


def _text(value: bytes | None) -> str | None:
    return None if value is None else base64.b64encode(value).decode()


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text)


class LetterPage(NamedTuple):
    """A page of the letters, in the order of their group, topic, partition and offset.

    Attributes:
        total: How many letters there are.
        letters: Those of the page. One that is replayed or dropped meanwhile is left out.
        next_after: The id after which the next page begins; None at the last page.
    """

    total: int
    letters: list[DeadLetter]
    next_after: str | None


class DeadLetters:
    """The letters that were neither replayed nor dropped."""

    def __init__(self, log: Log, topic: str) -> None:
        self.log = log
        self.topic = topic

    async def all(self) -> list[DeadLetter]:
        """Return all letters, sorted by group, topic, partition and offset; none when the topic does not exist."""
        try:
            letters = [DeadLetter.decode(raw) for _, raw in await Admin(self.log).rows(self.topic)]
        except UnknownTopicError:
            return []
        return sorted(letters, key=lambda letter: _place(letter.id))

    async def page(self, limit: int, after: str = "") -> LetterPage:
        """Return at most `limit` letters after a letter's id, in the order of `all`.

        Of the other letters this reads their ids alone, and orders them in a thread beside the event loop.
        """
        admin = Admin(self.log)
        try:
            found = await admin.keys(self.topic)
        except UnknownTopicError:
            return LetterPage(0, [], None)
        chosen = await asyncio.to_thread(_first, found, limit + 1, after)
        shown = chosen[:limit]
        raws = await admin.values_at(self.topic, [(partition, letter_id.encode()) for _, letter_id, partition in shown])
        letters = [DeadLetter.decode(raw) for raw in raws if raw is not None]
        next_after = shown[-1].letter_id if len(chosen) > limit else None
        return LetterPage(sum(map(len, found)), letters, next_after)

    async def get(self, letter_id: str) -> DeadLetter | None:
        """Return a letter by its id; None when there is none."""
        try:
            raws = await Admin(self.log).values(self.topic, letter_id.encode())
        except UnknownTopicError:
            return None
        return DeadLetter.decode(raws[0]) if raws else None

    async def replay(self, letter: DeadLetter) -> int:
        """Append the original message to its topic and remove the letter, in one write; return the new offset.

        The message goes to its partition, or to the one to which the rows of its key have moved since. A second call,
        for example because the first answer was lost, appends nothing and returns the same offset.

        Raises:
            IdempotencyConflictError: The letter was dropped.
            RowGoneError: The letter was replayed or dropped more than a week ago.
        """
        return await self._deal(letter, REPLAY, letter.replay_record(await self._partition(letter)))

    async def replayed(self, letter_id: str) -> int | None:
        """Return the new offset of a message that was replayed within the last week; None when it was not replayed."""
        written = await written_under(self.log, self._name(letter_id))
        return written.offsets[0] if written is not None and written.digest == REPLAY else None

    async def drop(self, letter: DeadLetter) -> None:
        """Remove a letter without replaying its message.

        Raises:
            IdempotencyConflictError: The letter was replayed.
            RowGoneError: The letter was replayed or dropped more than a week ago.
        """
        await self._deal(letter, DROP)

    async def _partition(self, letter: DeadLetter) -> int:
        """Return the partition of a letter's message: another one when the topics were resized since."""
        count = (await self.log.topic(letter.topic, fresh=True)).spec.partitions
        now = partition_for(letter.key, count)
        moved = any(now % resize.old == letter.partition for resize in await finished(self.log))
        return now if letter.key is not None and moved else letter.partition

    def _name(self, letter_id: str) -> str:
        return f"{self.topic}:{letter_id}"

    async def _deal(self, letter: DeadLetter, how: str, *records: Record) -> int:
        """Write records and the letter's tombstone; retry while the broker is unreachable.

        The idempotency key makes a retry write nothing twice.
        """
        resolution, present = await self._resolution(letter)
        key = IdempotencyKey(self._name(letter.id), how, REMEMBERED_MS)
        for pause_s in RETRY_PAUSES_S:
            try:
                return (await self._append([*records, resolution], key, present)).offsets[0]
            except LogUnavailableError:
                await asyncio.sleep(pause_s)
        return (await self._append([*records, resolution], key, present)).offsets[0]

    async def _append(self, records: list[Record], key: IdempotencyKey, present: tuple[str, int, str]) -> Appended:
        return await self.log.append(records, write_id=key, require=present)

    async def _resolution(self, letter: DeadLetter) -> tuple[Record, tuple[str, int, str]]:
        """Return the tombstone of a letter, and the row that must exist for the write to succeed."""
        partition = home(letter.partition, (await self.log.topic(self.topic, fresh=True)).spec.partitions)
        resolution = Record(self.topic, partition, letter.id.encode(), None, letter.timestamp_ms)
        return resolution, (self.topic, partition, letter.id)


def _place(letter_id: str) -> tuple[str, str, int, int]:
    """Return the group, topic, partition and offset of an id, by which letters are ordered.

    Raises:
        ValueError: It is no id of a letter.
    """
    group, topic, partition, offset = letter_id.rsplit(":", 3)
    return group, topic, int(partition), int(offset)


class _Placed(NamedTuple):
    """The id of a letter with its place in the order of letters, and the partition of the dead-letter topic."""

    place: tuple[str, str, int, int]
    letter_id: str
    partition: int


def _first(found: Sequence[Sequence[bytes]], limit: int, after: str) -> list[_Placed]:
    """Return the first ids after another one, of the ids in each partition of the dead-letter topic."""

    def following() -> Iterator[_Placed]:
        last = _place(after) if after else None
        for partition, ids in enumerate(found):
            for letter_id in (raw.decode() for raw in ids):
                place = _place(letter_id)
                if last is None or place > last:
                    yield _Placed(place, letter_id, partition)

    return nsmallest(limit, following())


def home(partition: int, partitions: int) -> int:
    """Return the partition of the dead-letter topic for letters from a partition of another topic."""
    return partition % partitions


def topic_spec(topic: str, partitions: int) -> TopicSpec:
    """Return the declaration of the dead-letter topic."""
    return TopicSpec(topic, partitions, "compact", retention_ms=RETENTION_MS)
