"""Names of every Redis key the log uses. One hash tag, so that all of them share a slot on a cluster."""

from __future__ import annotations

from dataclasses import dataclass

from faust_redis.log.address import NAMESPACE


@dataclass(frozen=True, slots=True)
class Keys:
    """Key names under one namespace, for example ``{faust}:log:clicks:3``."""

    namespace: str = NAMESPACE

    @property
    def prefix(self) -> str:
        """Return the prefix of every key. Its braces make it the cluster hash tag."""
        return f"{{{self.namespace}}}:"

    @property
    def owner(self) -> str:
        """String: the application that the namespace belongs to, when one has claimed it."""
        return f"{self.prefix}owner"

    @property
    def shard(self) -> str:
        """String: which shard of its namespace this is, such as ``1/3``."""
        return f"{self.prefix}shard"

    @property
    def topics(self) -> str:
        """Set of topic names."""
        return f"{self.prefix}topics"

    @property
    def order(self) -> str:
        """Hash partition number -> the last append number that an entry got in any topic that is not compacted."""
        return f"{self.prefix}order"

    @property
    def archiver(self) -> str:
        """String: the process that archives now, with a lease."""
        return f"{self.prefix}archiver"

    @property
    def resize(self) -> str:
        """Hash: id, phase, from, to, topics, plan of the change of the number of partitions that is in progress."""
        return f"{self.prefix}resize"

    @property
    def resizer(self) -> str:
        """String: the process that changes the number of partitions now, with a lease."""
        return f"{self.prefix}resizer"

    @property
    def resizes(self) -> str:
        """List of JSON ``{from, to, at_ms, ends}``: the finished resizes, and where each partition ended then."""
        return f"{self.prefix}resizes"

    def topic(self, topic: str) -> str:
        """Hash: partitions, cleanup, view, retention_ms, incarnation, archived; while it is resized, closed."""
        return f"{self.prefix}topic:{topic}"

    def stream(self, topic: str, partition: int) -> str:
        """Stream: the records of one partition; entry ``0-n`` is offset ``n - 1``."""
        return f"{self.prefix}log:{topic}:{partition}"

    def archived(self, topic: str) -> str:
        """Hash partition -> the offset up to which its archive holds it, and the archive's manifest (JSON)."""
        return f"{self.prefix}archived:{topic}"

    def ends(self, topic: str) -> str:
        """Hash partition -> highwater: the offset that the next record will get."""
        return f"{self.prefix}ends:{topic}"

    def snapshot(self, topic: str, partition: int) -> str:
        """Hash key -> value of a compacted topic: always equal to a fold of the whole partition."""
        return f"{self.prefix}snap:{topic}:{partition}"

    def marks(self, topic: str, partition: int) -> str:
        """Return the key of a list of `ms:offset`: where a partition ended, over time."""
        return f"{self.prefix}marks:{topic}:{partition}"

    def snapshots(self, topic: str) -> str:
        """Return what the names of a topic's snapshots begin with; the partition's number follows."""
        return f"{self.prefix}snap:{topic}:"

    def ranking(self, topic: str, group: str) -> str:
        """Sorted set of a ranked topic: one group's members ``partition|member``, lowest score first."""
        return f"{self.prefix}rank:{topic}:{group}"

    def group(self, group: str) -> str:
        """Hash: state, generation, leader, deadlines of a consumer group. Also its pub/sub channel."""
        return f"{self.prefix}group:{group}"

    def offsets(self, group: str) -> str:
        """Hash ``topic:partition`` -> committed offset (the next one to process)."""
        return f"{self.prefix}group:{group}:offsets"

    def status(self, group: str) -> str:
        """Hash member -> JSON: generation, how many partitions it holds, whether its tables are recovered."""
        return f"{self.prefix}group:{group}:status"

    def source_offsets(self, name: str) -> str:
        """Hash ``topic:partition`` of another log -> the offset up to which it is copied into this one."""
        return f"{self.prefix}copied:{name}"

    @property
    def groups(self) -> str:
        """Set of the groups with a member or a committed offset. Trimming keeps what one of them has yet to process."""
        return f"{self.prefix}groups"

    @property
    def services(self) -> str:
        """Hash name -> JSON: the live services. The key with ``:leases`` added sorts them by the end of the lease."""
        return f"{self.prefix}services"

    def readers(self, topic: str) -> str:
        """Hash reader -> JSON ``{until_ms, offsets}``: live readers outside of groups, and where they stand."""
        return f"{self.prefix}readers:{topic}"

    def idempotency_key(self, name: str) -> str:
        """Hash: first use, digest of the body and result of an idempotency key."""
        return f"{self.prefix}idempotency:{name}"

    def producer(self, name: str) -> str:
        """Hash: number and result of a producer's last write."""
        return f"{self.prefix}producer:{name}"
