"""The topology as data: the topics that each domain consumes and produces, and the tables that it owns.

`tables.domains.TOPOLOGY` is the product's only instance. Agents' wiring, `?after=` paths, the Kafka bridge, benches
and documents derive from it. Depends on topic names, event models and the log's `TopicSpec`.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any, Final, Generic, NamedTuple, TypeVar

from faust_redis.log.records import TopicSpec
from faust_redis.log.retention import RETENTION_MS, TAIL_MS

from streams import topics
from streams.events.base import EventData
from streams.topics import PARTITIONS_DEFAULT

RowT_co = TypeVar("RowT_co", covariant=True)

NAME_SEPARATOR: Final = "-"


class TopologyError(ValueError):
    """The declarations contradict each other."""


@dataclass(frozen=True, slots=True)
class TableSpec(Generic[RowT_co]):
    """A table of one domain.

    Attributes:
        name: The domain's name, a hyphen and the short name: ``trading-accounts``.
        model: The type of its values; None when they are not rows (raw bytes, or standings of a ranked table).
        sources: Topics whose events change the table. The domain consumes them.
        only_at_least_once: Agents write the table only where the broker may deliver an event again (Kafka). On Redis
            the table stays empty, because outputs, tables and offsets commit together.
        handovers: How many times, at most, the domain hands the effect of one of its commands over by its own events,
            mostly to another partition, until the table shows it.
        ranked: Keys end with ``|member`` and values are `{group: sort key}`; the log keeps a sorted set for each group.
    """

    name: str
    model: type[RowT_co] | None
    sources: tuple[str, ...]
    ranked: bool = False
    handovers: int = 0
    only_at_least_once: bool = False

    @property
    def domain(self) -> str:
        """Return the name of the domain that owns the table."""
        return self.name.partition(NAME_SEPARATOR)[0]

    @property
    def short_name(self) -> str:
        """Return the name that the domain's own Faust app gives the table: ``accounts``."""
        return self.name.partition(NAME_SEPARATOR)[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """One domain: a Faust app with its own consumer group, commits and tables.

    Attributes:
        name: The domain's name in every room: in topics, tables, `agents.<name>` and `api`.
        consumes: Topics whose events the domain processes.
        produces: For each topic that the domain appends to, the topics whose events cause this.
        commands: Classes of events that clients may send; each names its topic.
        tables: The tables that the domain owns. No other domain writes them.
        broadcasts: Produced topics that get a copy of each event in every partition.
        unhurried: Consumed topics whose events may wait for others for a moment, because few of them matter here.
    """

    name: str
    consumes: tuple[str, ...]
    produces: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    commands: tuple[type[EventData], ...] = ()
    tables: tuple[TableSpec[Any], ...] = ()
    broadcasts: frozenset[str] = frozenset()
    unhurried: frozenset[str] = frozenset()


def joined(*parts: Domain) -> Domain:
    """Return the declarations of several parts of one domain as one, in the order of the parts."""
    causes: dict[str, dict[str, None]] = {}
    for part in parts:
        for topic, sources in part.produces.items():
            causes.setdefault(topic, {}).update(dict.fromkeys(sources))
    return Domain(
        name=parts[0].name,
        consumes=tuple(dict.fromkeys(topic for part in parts for topic in part.consumes)),
        produces={topic: tuple(sources) for topic, sources in causes.items()},
        commands=tuple(model for part in parts for model in part.commands),
        tables=tuple(table for part in parts for table in part.tables),
        broadcasts=frozenset().union(*(part.broadcasts for part in parts)),
        unhurried=frozenset().union(*(part.unhurried for part in parts)),
    )


class Hop(NamedTuple):
    """One step of a path: a topic, and the domain whose group has to process it."""

    domain: str
    topic: str


def changelog_topic(app_id: str, table: str) -> str:
    """Return the changelog topic of a table, by the name that Faust gives it."""
    return f"{app_id}-{table}-changelog"


class Topology:
    """All domains, and the facts that follow from their declarations."""

    def __init__(self, domains: Iterable[Domain], *, sources: Mapping[str, tuple[str, ...]] | None = None) -> None:
        """Check the declarations against each other.

        Args:
            domains: All domains.
            sources: Topics that processes outside of the domains append to, each with the names of these.

        Raises:
            TopologyError: naming the first contradiction.
        """
        self.domains = tuple(domains)
        self.sources: Mapping[str, tuple[str, ...]] = dict(sources or {})
        self._by_name = {domain.name: domain for domain in self.domains}
        self.tables: tuple[TableSpec[Any], ...] = tuple(table for domain in self.domains for table in domain.tables)
        self._by_table = {table.name: table for table in self.tables}
        _check(self)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all domains."""
        return tuple(self._by_name)

    def domain(self, name: str) -> Domain:
        """Return the domain of this name, or raise `KeyError`."""
        return self._by_name[name]

    def table(self, name: str) -> TableSpec[Any]:
        """Return the table of this name, or raise `KeyError`."""
        return self._by_table[name]

    def owner(self, table: str) -> Domain:
        """Return the domain that owns a table."""
        return self._by_name[self._by_table[table].domain]

    # --- groups -------------------------------------------------------------------------------------------------------

    @staticmethod
    def group(app_id: str, domain: str) -> str:
        """Return the consumer group of a domain, which is also the id of its Faust app."""
        return f"{app_id}{NAME_SEPARATOR}{domain}"

    def groups(self, app_id: str) -> dict[str, str]:
        """Return the consumer group of each domain, by the domain's name."""
        return {name: self.group(app_id, name) for name in self.names}

    def consumed(self, app_id: str) -> dict[str, tuple[str, ...]]:
        """Return the topics that each consumer group processes."""
        return {self.group(app_id, domain.name): domain.consumes for domain in self.domains}

    # --- topics -------------------------------------------------------------------------------------------------------

    @cached_property
    def topics(self) -> tuple[str, ...]:
        """Return all topics: those that clients send to, those of other sources, and those that the domains produce."""
        produced = (topic for domain in self.domains for topic in domain.produces)
        return tuple(dict.fromkeys((*self.fed_topics, *produced)))

    @cached_property
    def fed_topics(self) -> tuple[str, ...]:
        """Return the topics that are appended to from outside of the domains, by clients or another source."""
        return tuple(dict.fromkeys((*self.client_topics, *self.sources)))

    @cached_property
    def client_topics(self) -> tuple[str, ...]:
        """Return the topics that the API appends to on behalf of clients."""
        return tuple(dict.fromkeys(model.topic for domain in self.domains for model in domain.commands))

    @cached_property
    def broadcasts(self) -> frozenset[str]:
        """Return the topics that hold a copy of each event in every partition."""
        return frozenset().union(*(domain.broadcasts for domain in self.domains))

    def producers(self, topic: str) -> tuple[Domain, ...]:
        """Return the domains that produce a topic; none when only clients or other sources append to it."""
        return tuple(domain for domain in self.domains if topic in domain.produces)

    def consumers(self, topic: str) -> tuple[Domain, ...]:
        """Return the domains that consume a topic."""
        return tuple(domain for domain in self.domains if topic in domain.consumes)

    def topic_specs(
        self,
        partitions: int = PARTITIONS_DEFAULT,
        retention_ms: int = RETENTION_MS,
        own_retention_ms: Mapping[str, int] = MappingProxyType({}),
        *,
        archived: bool = False,
    ) -> tuple[TopicSpec, ...]:
        """Return every topic of events. A user has the same partition in each: all have as many.

        Args:
            partitions: The partitions of each topic.
            retention_ms: How long a topic keeps an event.
            own_retention_ms: How long, for the topics that differ from this.
            archived: Whether an archive keeps their records.
        """
        return tuple(
            TopicSpec(name, partitions, retention_ms=own_retention_ms.get(name, retention_ms), archived=archived)
            for name in self.topics
        )

    def changelog_specs(
        self, app_id: str, partitions: int, tail_ms: int = TAIL_MS, *, archived: bool = False
    ) -> tuple[TopicSpec, ...]:
        """Return every changelog topic: compacted, with a tail of its last records, ranked where its table is."""
        return tuple(
            TopicSpec(
                changelog_topic(app_id, table.name),
                partitions,
                "compact",
                "rank" if table.ranked else "",
                tail_ms,
                archived,
            )
            for table in self.tables
        )

    # --- paths --------------------------------------------------------------------------------------------------------

    def path(self, topic: str, table: str) -> tuple[Hop, ...]:
        """Return the hops, in order, until a table shows the effect of an event in `topic`.

        The path is the shortest one, which is the direct effect, and then the handovers of a command of the table's
        own domain. It is empty when the topic does not change the table.
        """
        direct = self._direct(topic, table)
        owner, spec = self.owner(table), self.table(table)
        inside = all(hop.domain == owner.name for hop in direct)
        if not inside or not spec.handovers or topic not in {command.topic for command in owner.commands}:
            return direct
        [own] = [source for source in spec.sources if source in owner.produces and source not in owner.broadcasts]
        return (*direct, *[Hop(owner.name, own)] * (1 + spec.handovers - len(direct)))

    def _direct(self, topic: str, table: str) -> tuple[Hop, ...]:
        owner = self.owner(table)
        waiting: deque[tuple[Hop, ...]] = deque((Hop(owner.name, source),) for source in self.table(table).sources)
        seen = {path[0] for path in waiting}
        while waiting:
            path = waiting.popleft()
            if path[0].topic == topic:
                return path
            for hop in self._causes(path[0].topic):
                if hop not in seen:
                    seen.add(hop)
                    waiting.append((hop, *path))
        return ()

    def _causes(self, topic: str) -> tuple[Hop, ...]:
        return tuple(Hop(domain.name, cause) for domain in self.producers(topic) for cause in domain.produces[topic])


def _check(topology: Topology) -> None:
    _refuse_repeated("domain", (domain.name for domain in topology.domains))
    _refuse_repeated("table", (table.name for table in topology.tables))
    for domain in topology.domains:
        _check_domain(domain)
    for domain in topology.domains:
        for topic in domain.consumes:
            if topic not in topology.topics:
                raise TopologyError(f"{domain.name} consumes {topic}, which no domain, client or other source produces")
        for topic in domain.produces:
            owner = topics.domain_of(topic)
            if owner != domain.name and owner in topology.names:
                raise TopologyError(f"{domain.name} produces {topic}, which belongs to {owner}")


def _check_domain(domain: Domain) -> None:
    if not domain.name.isidentifier():
        raise TopologyError(f"expected a domain's name to be the name of a package, got {domain.name!r}")
    for topic, causes in domain.produces.items():
        _refuse_unconsumed(domain, causes, f"produces {topic} from")
    for table in domain.tables:
        if table.domain != domain.name or not table.short_name:
            raise TopologyError(f"{domain.name} owns table {table.name!r}; expected '{domain.name}-<short name>'")
        _refuse_unconsumed(domain, table.sources, f"writes {table.name} from")
    _refuse_unconsumed(domain, (model.topic for model in domain.commands), "accepts commands in")
    if stray := sorted(domain.broadcasts - domain.produces.keys()):
        raise TopologyError(f"{domain.name} broadcasts {stray[0]}, which it does not produce")


def _refuse_unconsumed(domain: Domain, names: Iterable[str], what: str) -> None:
    for name in names:
        if name not in domain.consumes:
            raise TopologyError(f"{domain.name} {what} {name}, which it does not consume")


def _refuse_repeated(what: str, names: Iterable[str]) -> None:
    for name, count in Counter(names).items():
        if count > 1:
            raise TopologyError(f"{count} declarations of the {what} {name!r}; expected one")
