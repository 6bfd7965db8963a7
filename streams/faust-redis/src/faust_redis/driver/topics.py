"""Topics as an app declares them: look-up, creation, incarnations, partitions of keys."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from faust_redis.driver import faust_internals as internals
from faust_redis.driver.broker import TopicCatalogue
from faust_redis.driver.retry import retry_while_unavailable
from faust_redis.log import TopicInfo, TopicMismatchError, TopicSpec, UnknownTopicError
from faust_redis.log.partitioner import partition_for
from faust_redis.log.records import Cleanup
from faust_redis.log.retention import RETENTION_MS, TAIL_MS


class Topics:
    """The topics of one app."""

    def __init__(self, app: Any, broker: TopicCatalogue, opened: Callable[[], Any]) -> None:
        self._app = app
        self._broker = broker
        self._opened = opened
        self._compacted: dict[str, bool] = {}
        self._seen: dict[str, TopicSpec] = {}

    async def ensure(self, name: str, partitions: int | None = None, **policy: Any) -> TopicInfo:
        """Return a topic; create it with the app's partition count when it does not exist and the app may.

        A topic that this process has seen, and that a flush of the broker removed, is created as it was: with its
        retention, and with the view of its rows, which Faust cannot declare.

        Raises:
            UnknownTopicError: it does not exist and `topic_allow_declare` is off.
            TopicMismatchError: `partitions` was given and it exists, or was seen, with another count.
        """
        known = self._broker.known_topic(name)
        if known is not None and partitions is None:
            return self._note(known)
        await self._opened()
        try:
            info = await retry_while_unavailable(lambda: self._broker.topic(name), "look-up of a topic")
        except UnknownTopicError:
            if not self._app.conf.topic_allow_declare:
                raise
            spec = self._seen.get(name) or self._spec(name, partitions or self._app.conf.topic_partitions, **policy)
            _check_count(spec, partitions)
            return self._note(
                await retry_while_unavailable(lambda: self._broker.create_topic(spec), "creation of a topic")
            )
        _check_count(info.spec, partitions)
        return self._note(info)

    def _note(self, info: TopicInfo) -> TopicInfo:
        """Remember how a topic was created."""
        self._seen[info.spec.name] = info.spec
        return info

    def _spec(self, name: str, partitions: int, cleanup: Cleanup = "delete", retention_ms: int = 0) -> TopicSpec:
        """Return a topic as it is declared, with a retention where the app names none.

        Records of a changelog with a snapshot may go soon. Readers of another compacted topic, or of the changelog of a
        Set table or a global table, need every record.
        """
        table = internals.table_of_changelog(self._app, name)
        if table is not None:
            retention_ms = TAIL_MS if cleanup != "delete" and not table.is_global else 0
        elif cleanup != "compact":
            retention_ms = retention_ms or RETENTION_MS
        return TopicSpec(name, partitions, cleanup, retention_ms=retention_ms)

    async def present(self, name: str) -> TopicInfo:
        """Return a topic like `ensure`, but as the broker has it now.

        Raises:
            UnknownTopicError: see `ensure`.
            ResizedError: it has another number of partitions than when this process started.
        """
        try:
            return await retry_while_unavailable(lambda: self.refresh(name), "look-up of a topic")
        except UnknownTopicError:
            return await self.ensure(name)

    async def refresh(self, name: str) -> TopicInfo:
        """Look a topic up again, so that the topic of a flushed or restored broker is not taken for the known one."""
        return self._note(await self._broker.topic(name, fresh=True))

    def is_known(self, topic: str) -> bool:
        """Return whether a topic is known to exist."""
        return self._broker.known_topic(topic) is not None

    def incarnation(self, topic: str) -> str:
        """Return the incarnation id of a known topic; empty when it is not known."""
        info = self._broker.known_topic(topic)
        return info.incarnation if info else ""

    def partition_count(self, topic: str) -> int | None:
        """Return the partition count of a known topic; None when it is not known."""
        info = self._broker.known_topic(topic)
        return info.spec.partitions if info else None

    def partition(self, topic: str, key: bytes | None) -> int:
        """Return the partition of a key.

        Raises:
            UnknownTopicError: when the topic is not known yet.
        """
        count = self.partition_count(topic)
        if count is None:
            raise UnknownTopicError(f"topic {topic!r} is not known yet; declare it or send to it first")
        return partition_for(key, count)

    def is_compacted(self, topic: str) -> bool:
        """Return whether only the last record of a key matters in a topic; False while it is not known."""
        known = self._compacted.get(topic)
        if known is None:
            info = self._broker.known_topic(topic)
            if info is None:
                return False
            known = self._compacted[topic] = bool(info.spec.compacted)
        return known


def _check_count(spec: TopicSpec, partitions: int | None) -> None:
    """Refuse a declared partition count that is not the topic's."""
    if partitions is not None and spec.partitions != partitions:
        raise TopicMismatchError(
            f"topic {spec.name!r} has {spec.partitions} partitions, {partitions} were declared; "
            "declare the existing number, resize the topics, or use another topic name"
        )
