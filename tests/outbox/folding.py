"""What the events of accounts add up to, and what the database says: the two must be equal."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Iterable
from dataclasses import dataclass, replace

from faust_redis.log import Log, StoredRecord, TopicPartition
from faust_redis.log.sharded import open_log
from faust_redis.log.transit import transit_group
from sqlalchemy import select

from api.auth import Role
from api.identity import account_changes
from api.identity.store.tables import ACCOUNTS
from streams.connect.outbox.position import SOURCE, OutboxPosition
from streams.connect.outbox.unit_of_work import UnitOfWork
from streams.events import decode
from streams.events.user import (
    AccountClosed,
    AccountRegistered,
    AccountReinstated,
    AccountSuspended,
    LoggedIn,
    LoggedOut,
    ProfileChanged,
    RoleChanged,
)
from streams.topics import events_of
from tests.outbox.database import OutboxDatabase, published

USER_EVENTS = events_of("user")
WITHIN_S = 40.0
POLL_S = 0.05
ROLES = (Role.USER, Role.MODERATOR, Role.ADMIN)


@dataclass(frozen=True)
class Profile:
    """The part of an account that events report."""

    role: str
    username: str | None
    status: str = "active"
    private: bool = False


def fold(records: Iterable[StoredRecord]) -> dict[str, Profile]:
    """Apply the events of accounts, in the order of the log.

    Each event must fit what came before: an account is registered once and first, and changes from its present state.
    """
    profiles: dict[str, Profile] = {}
    for record in records:
        data = decode(record.value).data
        if isinstance(data, AccountRegistered):
            assert data.user_id not in profiles, f"{data.user_id} is registered twice"
            profiles[data.user_id] = Profile(data.role, data.username)
            continue
        profile = profiles[data.user_id]  # type: ignore[attr-defined]
        profiles[data.user_id] = _changed(profile, data)  # type: ignore[attr-defined]
    return profiles


def _changed(profile: Profile, data: object) -> Profile:
    if isinstance(data, LoggedIn | LoggedOut):
        return profile
    if isinstance(data, AccountSuspended):
        assert profile.status == "active", f"{data.user_id} is suspended while {profile.status}"
        return replace(profile, status="suspended")
    if isinstance(data, AccountReinstated):
        assert profile.status == "suspended", f"{data.user_id} is reinstated while {profile.status}"
        return replace(profile, status="active")
    if isinstance(data, AccountClosed):
        return replace(profile, status="closed")
    if isinstance(data, RoleChanged):
        assert profile.role == data.before, f"{data.user_id} was {profile.role}, not {data.before}"
        return replace(profile, role=data.role)
    assert isinstance(data, ProfileChanged)
    return replace(profile, private=data.private, username=data.username)


async def stored(database: OutboxDatabase) -> dict[str, Profile]:
    """Return what the database says."""
    columns = ACCOUNTS.c
    async with database.engine.connect() as connection:
        rows = await connection.execute(
            select(columns.id, columns.role, columns.username, columns.status, columns.is_private)
        )
        return {row.id: Profile(row.role, row.username, row.status, row.is_private) for row in rows}


async def assert_fold_equals_accounts(log: Log, database: OutboxDatabase) -> None:
    """Fail unless the events of accounts in the log add up to the accounts in the database."""
    partitions = (await log.topic(USER_EVENTS)).spec.partitions
    folded, expected = fold(await published(log, USER_EVENTS, partitions)), await stored(database)
    assert expected, "no account was created"
    assert folded == expected, f"the log folds to {folded}, the database holds {expected}"


async def wait_until_folds_are_equal(broker_url: str, namespace: str, database_url: str) -> None:
    """Wait until a relay has published everything, and it has arrived on all shards; then compare."""
    database = OutboxDatabase(database_url)
    try:
        async with open_log(broker_url, namespace) as log:
            last = (await database.source.head()).last
            async with asyncio.timeout(WITHIN_S):
                while OutboxPosition.of(await log.source_offsets(SOURCE)).number < last:  # noqa: ASYNC110 - another process
                    await asyncio.sleep(POLL_S)
                while await _is_on_the_way(log.shards[0]):  # noqa: ASYNC110 - another process
                    await asyncio.sleep(POLL_S)
            await assert_fold_equals_accounts(log, database)
    finally:
        await database.engine.dispose()


async def _is_on_the_way(log: Log) -> bool:
    """Return whether a shard has records for others that are not forwarded."""
    for topic in [name for name in await log.topics() if "-transit-" in name]:
        forwarded = await log.committed(transit_group(topic.rpartition("-transit-")[0]))
        end = (await log.end_offsets(topic)).get(log.shard.number, 0)
        if forwarded.get(TopicPartition(topic, log.shard.number), 0) < end:
            return True
    return False


async def change_account(work: UnitOfWork, account_id: str, choice: random.Random) -> None:
    """Change an account at random, as the routes and commands do."""
    kind = choice.randrange(6)
    if kind == 0:
        await account_changes.suspend(work, account_id, actor="system", reason="test")
    elif kind == 1:
        await account_changes.reinstate(work, account_id, actor="system", reason="test")
    elif kind == 2:
        await account_changes.set_role(work, account_id, choice.choice(ROLES), actor="system")
    elif kind == 3:
        await account_changes.set_private(work, account_id, choice.random() < 0.5, actor="system")
    elif kind == 4:
        await account_changes.rename(work, account_id, f"name-{choice.getrandbits(40)}", actor="system")
    elif choice.random() < 0.05:
        await account_changes.close(work, account_id, actor="system", reason="test")
