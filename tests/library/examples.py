"""Run the library's examples as a user does: `python word_count.py worker`, on a real server."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from faust_redis.admin import Admin
from faust_redis.log import Log, Record, StoredRecord, TopicPartition, UnknownTopicError
from faust_redis.log.partitioner import partition_for

from tests.e2e.children import Child

DIRECTORY = Path(__file__).parents[2] / "streams/faust-redis/examples"
DEADLINE_S = 30.0
NOW_MS = 1_700_000_000_000


@dataclass
class Example:
    """A running example and the log it works on."""

    log: Log
    children: list[Child]

    async def send(self, topic: str, key: str | None, value: Any, timestamp_ms: int = NOW_MS) -> None:
        """Append a record as another process would, keyed as the example's topics are (JSON)."""
        raw = None if key is None else key.encode()
        partitions = (await self.log.topic(topic)).spec.partitions
        record = Record(topic, partition_for(raw, partitions), raw, orjson.dumps(value), timestamp_ms)
        await self.log.append([record])

    async def until(self, condition: Callable[[], Any]) -> Any:
        """Wait until a condition, awaited if need be, is true; return its value."""
        for _ in range(int(DEADLINE_S / 0.05)):
            value = condition()
            value = await value if asyncio.iscoroutine(value) else value
            if value:
                return value
            assert all(child.exit_code is None for child in self.children), self.last_words()
            await asyncio.sleep(0.05)
        raise AssertionError(f"not true within {DEADLINE_S} s\n{self.last_words()}")

    async def topic(self, name: str) -> None:
        """Wait until the example has created a topic."""

        async def exists() -> bool:
            return name in await self.log.topics()

        await self.until(exists)

    async def records(self, topic: str, count: int) -> list[StoredRecord]:
        """Wait for so many records of a topic, and return all of them."""

        async def enough() -> list[StoredRecord]:
            found = await self.present(topic)
            return found if len(found) >= count else []

        found: list[StoredRecord] = await self.until(enough)
        return found

    async def present(self, topic: str) -> list[StoredRecord]:
        """Return the records of a topic by their time; none while the topic does not exist."""
        try:
            ends = await self.log.end_offsets(topic)
        except UnknownTopicError:
            return []
        fetched = await self.log.fetch({TopicPartition(topic, p): 0 for p in ends}, count=10_000)
        return sorted((one for some in fetched.values() for one in some), key=lambda record: record.timestamp_ms)

    async def table(self, changelog: str, expected: dict[str, Any]) -> None:
        """Wait until a table's committed rows equal the given ones; its keys are JSON."""

        async def equal() -> bool:
            try:
                rows = {key: await Admin(self.log).values(changelog, orjson.dumps(key)) for key in expected}
            except UnknownTopicError:
                return False
            return {key: [orjson.loads(value) for value in values] for key, values in rows.items()} == {
                key: [value] for key, value in expected.items()
            }

        await self.until(equal)

    def last_words(self) -> str:
        return "\n".join(child.last_words() for child in self.children)


def worker(
    name: str, log: Log, directory: Path, title: str = "worker", *, command: str = "worker", **environment: str
) -> Child:
    """Start an example's worker."""
    argv = [sys.executable, str(DIRECTORY / f"{name}.py"), "--datadir", str(directory / title), command]
    return Child(title, [*argv, "--without-web", "--loglevel", "warn"], environment_of(log, **environment), directory)


def environment_of(log: Log, **more: str) -> dict[str, str]:
    """Return the environment of an example on a log."""
    return {
        **os.environ,
        "BROKER_URL": f"{log.url}?namespace={log.keys.namespace}",
        **more,
    }


@asynccontextmanager
async def running(name: str, log: Log, directory: Path) -> AsyncIterator[Example]:
    """Run an example with one worker, which must end with status 0."""
    example = Example(log, [worker(name, log, directory)])
    try:
        yield example
        assert all(child.stop() for child in example.children), example.last_words()
        assert [child.exit_code for child in example.children] == [0 for _ in example.children], example.last_words()
    finally:
        for child in example.children:
            if child.exit_code is None:
                child.kill()
