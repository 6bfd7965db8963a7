"""Helpers for tests of the API: tokens, fills, and a stand-in for the workers that writes as their commits would."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import httpx
import msgspec
import orjson
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment
from fastapi import FastAPI
from faust_redis.log import Appended, Log, Position, Record
from faust_redis.log.partitioner import partition_for

from agents.rulebook import packaged_rulebook
from api.auth import Role
from api.config import ApiConfig
from api.kit.feeds.resume_ids import ResumeIds
from api.kit.sealing import Sealer
from api.metrics_app import metrics_app
from deploy.rulebook import public_rules
from streams.events import AnyEvent, encode
from streams.topology import changelog_topic
from tables.boards import Ranked, Standing, names_of
from tables.domains import TOPOLOGY
from tables.gamification import GAMIFICATION_BOARDS
from tables.row import Row
from tests.support.tokens import SECRET, mint

PARTITIONS = 4
SEALER = Sealer(SECRET)
"""The sealer of the API under `SECRET`."""
PROGRESS_IDS = ResumeIds(SEALER, "progress")
"""The resume ids of the progress feed."""
SPONSOR = f"0x{0x59:064x}"
MARKETS = frozenset({"BTC", "ETH", "EIGEN", "SOL"})
RULES = public_rules(packaged_rulebook()).model_copy(update={"markets": dict.fromkeys(MARKETS, 50)})


def config_of(
    log_url: str, namespace: str = "astra", database_url: str = "sqlite:////nowhere/identity.db"
) -> ApiConfig:
    """Return the settings of an API for tests."""
    return ApiConfig(
        log_url=log_url,
        database_url=database_url,
        secret=SECRET,
        rules=RULES,
        rulebook="1-packaged",
        namespace=namespace,
        sponsor=SPONSOR,
        behind_max_s=0,  # most tests run no worker
    )


def token(subject: str, role: Role = Role.USER, *, ttl_s: int = 86_400) -> str:
    """Return a new token that is valid for a day: some tests make it at collection, long before they run."""
    return mint(subject, role, ttl_s=ttl_s)


def auth(subject: str, role: Role = Role.USER) -> dict[str, str]:
    """Return the headers of a caller."""
    return {"Authorization": f"Bearer {token(subject, role)}"}


async def scraped(app: FastAPI) -> str:
    """Return the metrics that an application's process serves to operators."""
    transport = httpx.ASGITransport(metrics_app(app.state.api))
    async with httpx.AsyncClient(transport=transport, base_url="http://metrics") as operator:
        return (await operator.get("/metrics")).text


class Worker:
    """A writer that leaves in the log the records that workers would."""

    def __init__(self, log: Log, app_id: str) -> None:
        self.log = log
        self.app_id = app_id
        self._standings: dict[str, dict[str, Ranked]] = defaultdict(dict)
        """The standings of each row of boards, by the row's key."""

    async def create_topics(self) -> None:
        for spec in (*TOPOLOGY.topic_specs(PARTITIONS), *TOPOLOGY.changelog_specs(self.app_id, PARTITIONS)):
            await self.log.create_topic(spec)

    def partition(self, owner: str) -> int:
        return partition_for(owner.encode(), PARTITIONS)

    async def put(self, table: str, key: str, row: Row | bytes | None, *, partition: int) -> Appended:
        value = row.dump() if isinstance(row, Row) else row
        topic = changelog_topic(self.app_id, table)
        return await self.log.append([Record(topic, partition, key.encode(), value, 0)])

    async def put_user(self, table: str, user: str, row: Row) -> Appended:
        return await self.put(table, user, row, partition=self.partition(user))

    async def rank(self, group: str, user: str, score: int, reached_at: int = 0) -> Appended:
        """Set a user's standing in the row of an older period. Standings of other boards in the row stay."""
        _, (row, name) = names_of(group).items()
        key = f"{row}|{user}"
        self._standings[key][name] = Standing(score, reached_at).ranked
        value = msgspec.msgpack.encode(self._standings[key])
        return await self.put(GAMIFICATION_BOARDS.name, key, value, partition=self.partition(user))

    async def emit(self, topic: str, *events: AnyEvent) -> Appended:
        return await self.log.append(
            [
                Record(topic, self.partition(e.partitionkey), e.partitionkey.encode(), encode(e), e.time.milliseconds())
                for e in events
            ]
        )

    async def emit_one(self, topic: str, partition: int) -> str:
        """Append a record without meaning; return its position."""
        appended = await self.log.append([Record(topic, partition, b"k", b"{}", 0)])
        epoch = (await self.log.topic(topic)).incarnation
        return str(Position(topic, epoch, {partition: appended.offsets[0] + 1}))

    async def commit(self, topic: str, partition: int, offset: int, *, domain: str | None = None) -> None:
        """Commit a partition up to an offset, for one domain or for each domain that consumes the topic."""
        for consumer in TOPOLOGY.consumers(topic):
            if domain in {None, consumer.name}:
                offsets = self.log.keys.offsets(TOPOLOGY.group(self.app_id, consumer.name))
                await self.log.redis.hset(offsets, f"{topic}:{partition}", str(offset))

    async def set_group(
        self, domain: str, state: str, members: dict[str, dict[str, Any]], *, lease_s: int = 60, generation: int = 3
    ) -> None:
        """Write a domain's group as the coordinator keeps it."""
        group = TOPOLOGY.group(self.app_id, domain)
        seconds, _ = await self.log.redis.time()
        key = self.log.keys.group(group)
        await self.log.redis.hset(key, mapping={"state": state, "generation": generation})
        for member, status in members.items():
            await self.log.redis.zadd(f"{key}:leases", {member: (seconds + lease_s) * 1_000})
            await self.log.groups.set_status(group, member, orjson.dumps(status).decode())

    async def assign(self, domain: str, member: str, assigned: Mapping[str, list[int]]) -> None:
        """Assign partitions to a member as the leader does."""
        encoded = ConsumerProtocolMemberAssignment(0, list(assigned.items()), b"").encode()
        key = f"{self.log.keys.group(TOPOLOGY.group(self.app_id, domain))}:assignments"
        await self.log.redis.hset(key, member, encoded)


def fill(n: int = 1, **changes: Any) -> dict[str, Any]:
    """Return a valid fill."""
    return {
        "fill_id": f"f-{n}",
        "user_id": f"trader-{n % 7}",
        "trade_id": f"t-{n}",
        "market": "BTC",
        "side": "buy",
        "price": "63250.5",
        "size": "0.02371",
        "notional_usd": "1500.00",
        "closed_pnl_usd": "0",
        "executed_at": "2024-09-20T08:36:00Z",
        **changes,
    }
