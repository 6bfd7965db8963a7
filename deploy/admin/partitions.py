"""Give all topics and tables of an installation more partitions (docs/partitions.md)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from faust_redis.dead_letters import topic_spec
from faust_redis.log import Log
from faust_redis.log.records import TopicPartition, TopicSpec
from faust_redis.resizing import CannotResizeError, NotReadyError, Resize, Resized, RowWrite, Split, Step, in_progress
from faust_redis.resizing import finished as finished_resizes

from deploy.declared_topics import changelog_topics, event_topics, present
from deploy.errors import DeployError
from deploy.settings import Settings
from streams.topics import DEAD_LETTERS
from streams.topology import changelog_topic
from streams.wire import WireError
from tables.domains import TOPOLOGY
from tables.resizing import moving
from tables.resizing.rules import Write

MILLISECONDS: Final = 1_000


class ProductLayout:
    """Where the rows of the product's tables belong, by the rules of `tables.resizing`."""

    def __init__(self, app_id: str) -> None:
        self._topics = {table.name: changelog_topic(app_id, table.name) for table in TOPOLOGY.tables}
        self._tables = {topic: table for table, topic in self._topics.items()}

    @property
    def planned(self) -> Collection[str]:
        """Return the changelogs whose rows a plan has to see."""
        return [self._topics[table] for table in moving.PLANNED]

    def plan(self, split: Split, parent: int) -> _Plan:
        """Return a plan for a partition that has seen no rows yet."""
        return _Plan(moving.PartitionPlan(split, parent), self._tables, self._writes)

    def moved(self, split: Split, parent: int, topic: str, key: bytes, value: bytes) -> Sequence[RowWrite]:
        """Return the writes that move a row of a partition; none for one that stays, such as a dead letter."""
        table = self._tables.get(topic)
        if table is None:
            return ()
        return list(self._writes(moving.moved(split, parent, table, key.decode(), value)))

    def _writes(self, writes: Iterable[Write]) -> Iterable[RowWrite]:
        return (RowWrite(self._topics[one.table], one.partition, one.key.encode(), one.value) for one in writes)


class _Plan:
    def __init__(
        self,
        plan: moving.PartitionPlan,
        tables: dict[str, str],
        writes: Callable[[Iterable[Write]], Iterable[RowWrite]],
    ) -> None:
        self._plan, self._tables, self._writes = plan, tables, writes

    def see(self, topic: str, key: bytes, value: bytes) -> None:
        """Note a row of a planned topic."""
        self._plan.see(self._tables[topic], key.decode(), value)

    def writes(self) -> Iterable[RowWrite]:
        """Return the writes.

        Raises:
            NotReadyError: the rows cannot be divided now.
        """
        try:
            return self._writes(self._plan.writes())
        except moving.NotReadyError as exc:
            raise NotReadyError(str(exc)) from exc


async def resize(
    log: Log,
    settings: Settings,
    old: int,
    new: int,
    report: Callable[[Step], None],
    *,
    drain_s: float,
) -> Resized | None:
    """Give all topics and tables `new` partitions instead of `old`, or finish a resize that ended early.

    Return None when they have `new` partitions already.

    Raises:
        DeployError: not possible, or not now. Nothing was changed.
    """
    specs = await _declared(log, settings)
    begun = [one for shard in log.shards if (one := await in_progress(shard)) is not None]
    count = begun[0].old if begun else (await log.topic(specs[0].name, fresh=True)).spec.partitions
    if count == new and not begun:
        return None
    if count != old:
        raise DeployError(f"the topics have {count} partitions, not {old}")
    work = Resize(log, [spec.name for spec in specs], TOPOLOGY.consumed(settings.app_id), layout(settings), report)
    try:
        if not begun and new > old and new % old == 0:
            await _check_places(log, [spec.name for spec in specs if spec.compacted], layout(settings), Split(old, new))
        return await work.run(new, drain_s=drain_s)
    except (CannotResizeError, moving.MisplacedError) as exc:
        raise DeployError(str(exc)) from exc


async def _check_places(log: Log, topics: Iterable[str], places: ProductLayout, split: Split) -> None:
    """Find the place of each row while topics are open: once rows move, one without a place could not be left out.

    Raises:
        DeployError: a row has no place, because it is damaged or in a partition of other keys.
    """
    for topic in topics:
        for parent in range(split.old):
            async for rows in log.holder(parent).rows(TopicPartition(topic, parent)):
                for key, value in rows:
                    try:
                        places.moved(split, parent, topic, key, value)
                    except (moving.MisplacedError, WireError, ValueError) as exc:
                        row = f"the row {key!r} of {topic}:{parent}"
                        raise DeployError(f"{row} can be moved nowhere; repair or delete it first: {exc}") from exc


async def cancel(log: Log, settings: Settings) -> str:
    """Cancel a resize that has moved no rows: open the topics again. Return its numbers of partitions as text."""
    try:
        begun = await Resize(log, [], {}, layout(settings)).cancel()
    except CannotResizeError as exc:
        raise DeployError(str(exc)) from exc
    if begun is None:
        raise DeployError("no resize is in progress")
    return str(begun)


def layout(settings: Settings) -> ProductLayout:
    """Return where rows belong in an installation."""
    return ProductLayout(settings.app_id)


async def described(log: Log, settings: Settings) -> list[str]:
    """Return lines on the partitions of the installation: their number, a resize in progress, and earlier ones."""
    count = (await present(log, settings)).partitions
    begun = [one for shard in log.shards if (one := await in_progress(shard)) is not None]
    return [
        f"{count} partitions",
        *(f"{one} since {_time(one.began_ms)}, {one.phase}: run it again to finish it" for one in begun),
        *(f"{one.old} to {one.new} at {_time(one.at_ms)}" for one in await finished_resizes(log)),
    ]


async def _declared(log: Log, settings: Settings) -> list[TopicSpec]:
    """Return all topics of the installation. Create those that are missing, which would be left out otherwise."""
    if settings.on_kafka:
        raise DeployError("Kafka's own tools change its partitions, and keys move then: docs/partitions.md")
    settings = await present(log, settings)
    letters = topic_spec(DEAD_LETTERS, settings.partitions)
    specs = [*event_topics(settings).values(), *changelog_topics(settings), letters]
    if not [topic for topic in await log.topics() if topic == specs[0].name]:
        raise DeployError("the log has no topics yet: set ASTRA_PARTITIONS before the first worker starts")
    for spec in specs:
        await log.declare_topic(spec)
    return specs


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / MILLISECONDS, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
