"""What the admin client answers with. Depends on the log's records only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from faust_redis.log.errors import LogError
from faust_redis.log.records import TopicInfo, TopicPartition

STABLE = "stable"
EMPTY = "empty"


class InvalidRequestError(LogError):
    """The request names something that does not exist, or an offset out of range. Nothing was changed."""


@dataclass(frozen=True, slots=True)
class PartitionDescription:
    """One partition: its records have the offsets from `beginning` up to, but not including, `end`."""

    partition: int
    beginning: int
    end: int


@dataclass(frozen=True, slots=True)
class TopicDescription:
    """A topic as created, and the offsets that each of its partitions holds."""

    name: str
    info: TopicInfo
    partitions: tuple[PartitionDescription, ...]


@dataclass(frozen=True, slots=True)
class TableDescription:
    """A table, by its changelog topic; `rows` counts the keys that have a value."""

    name: str
    changelog: str
    rows: int


@dataclass(frozen=True, slots=True)
class MemberDescription:
    """A live member of a group.

    Attributes:
        name: The member's id.
        lease_ms: Milliseconds until its lease ends, unless it sends a heartbeat.
        assignment: The partitions it was assigned in this generation; empty until the leader has assigned them.
        recovered: Whether the member reports, in this generation, that its tables are recovered.
        status: The member's own report, as published: `generation`, `assigned`, `recovered`, `restored`, `total`,
            `damaged`, `labels`.
    """

    name: str
    lease_ms: int
    assignment: tuple[TopicPartition, ...]
    recovered: bool
    status: Mapping[str, Any]

    @property
    def damaged(self) -> tuple[str, ...]:
        """Return the reasons why the member holds partitions back."""
        return tuple(self.status.get("damaged", ()))

    @property
    def labels(self) -> Mapping[str, str]:
        """Return the labels that the member's app has set (`label_member`)."""
        labels: Mapping[str, str] = self.status.get("labels", {})
        return labels


@dataclass(frozen=True, slots=True)
class GroupDescription:
    """A consumer group at one moment.

    Attributes:
        name: The group's name: the id of its Faust application.
        state: ``empty``, ``preparing``, ``syncing`` or ``stable``.
        generation: Counts the rebalances.
        leader: The member that assigns partitions; empty when there is none.
        members: The members that hold a lease, by name.
        committed: The next offset to process of each partition that the group has committed.
        unserved: The shards on which no member holds a lease, when the log has several and a member on one of them.
    """

    name: str
    state: str
    generation: int
    leader: str
    members: tuple[MemberDescription, ...]
    committed: Mapping[TopicPartition, int]
    unserved: tuple[int, ...] = ()

    @property
    def damages(self) -> tuple[str, ...]:
        """Return the damage that the members report, each once."""
        return tuple(sorted({damage for member in self.members for damage in member.damaged}))

    @property
    def ready(self) -> bool:
        """Return whether live members own all partitions, have recovered their tables, and hold no partition back."""
        return self.state == STABLE and bool(self.members) and not self.why_not_ready

    @property
    def why_not_ready(self) -> str:
        """Return the reason why the group is not ready; empty when it is ready."""
        if not self.members:
            return "no worker is alive"
        if self.unserved:
            return f"no worker of shard {', '.join(map(str, self.unserved))} is alive"
        if self.state != STABLE:
            return f"the group is {self.state}: partitions are being assigned"
        waiting = sum(not member.recovered for member in self.members)
        if waiting:
            return f"{waiting} of {len(self.members)} workers are still recovering their tables"
        return "; ".join(self.damages)
