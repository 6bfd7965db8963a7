"""What users see of the time before the number of partitions changed: their events, and rows as they were."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from faust_redis.log import Record, TopicPartition
from faust_redis.log.partitioner import partition_for
from faust_redis.resizing import Resize, Split

from api.auth import Role
from deploy.admin.partitions import ProductLayout
from streams import topics
from streams.events import encode
from streams.topology import changelog_topic
from streams.units import Quantity
from tables.accounts import available, ledger_key
from tables.domains import TOPOLOGY
from tables.financial import FINANCIAL_LEDGER, Balance
from tests.integration.api.support import PARTITIONS, Worker, auth, fill
from tests.integration.api.test_private_trades import executed

NEW = 4 * PARTITIONS
USER = next(
    user
    for user in (f"user-{number}" for number in range(100))
    if len({partition_for(user.encode(), count) for count in (PARTITIONS, 2 * PARTITIONS, NEW)}) == 3
)
"""A user whose key moves each time that the number doubles."""


async def double(worker: Worker) -> None:
    """Give all topics twice as many partitions."""
    specs = (*TOPOLOGY.topic_specs(PARTITIONS), *TOPOLOGY.changelog_specs(worker.app_id, PARTITIONS))
    count = (await worker.log.topic(topics.TRADING_EVENTS, fresh=True)).spec.partitions
    await Resize(worker.log, [spec.name for spec in specs], {}, ProductLayout(worker.app_id)).run(2 * count)


async def trade(worker: Worker, numbers: range) -> list[str]:
    """Let the user and another one of the same partition trade in turn; return the ids of the user's events."""
    count = (await worker.log.topic(topics.TRADING_EVENTS, fresh=True)).spec.partitions
    own = Split(1, count).partition(USER)
    other = next(one for one in (f"other-{number}" for number in range(1_000)) if Split(1, count).partition(one) == own)
    ids = []
    for number in numbers:
        for user in (USER, other):
            event = executed(user, number)
            record = Record(topics.TRADING_EVENTS, own, user.encode(), encode(event), event.time.milliseconds())
            await worker.log.append([record])
            ids += [event.id] if user == USER else []
    return ids


async def pages(client: httpx.AsyncClient, cursor: str | None, limit: int) -> list[str]:
    """Return the ids of the user's events from a cursor on."""
    found: list[str] = []
    while True:
        parameters: dict[str, Any] = {"limit": limit, **({"cursor": cursor} if cursor else {})}
        answer = await client.get(f"/v1/users/{USER}/trades", params=parameters, headers=auth(USER))
        assert answer.status_code == 200, answer.text
        found += [one["event_id"] for one in answer.json()["trades"]]
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            return found


async def test_a_user_finds_the_events_of_all_partitions_that_the_own_key_had(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    ids = await trade(worker, range(1, 6))
    first = await client.get(f"/v1/users/{USER}/trades", params={"limit": 2}, headers=auth(USER))
    for doubled in range(2):
        await double(worker)
        ids += await trade(worker, range(10 * (doubled + 1), 10 * (doubled + 1) + 5))
    assert (await worker.log.topic(topics.TRADING_EVENTS, fresh=True)).spec.partitions == NEW
    for limit in (2, 50):
        assert await pages(client, None, limit) == ids[::-1]
    assert await pages(client, first.json()["next_cursor"], 2) == ids[:3][::-1]


async def test_a_row_of_a_position_from_before_is_read_where_it_was(client: httpx.AsyncClient, worker: Worker) -> None:
    path, key = f"/v1/users/{USER}/balances", ledger_key(available(USER), "USD")
    row = Balance(amount=Quantity.of(100))
    await worker.put(FINANCIAL_LEDGER.name, key, row, partition=worker.partition(USER))
    before = (await client.get(path, headers=auth(USER))).json()
    await double(worker)
    moved = (await client.get(path, headers=auth(USER))).json()
    assert moved | {"position": ""} == before | {"position": ""}
    spent = Balance(amount=Quantity.of(1))
    await worker.log.topic(changelog_topic(worker.app_id, FINANCIAL_LEDGER.name), fresh=True)
    await worker.put(FINANCIAL_LEDGER.name, key, spent, partition=partition_for(USER.encode(), 2 * PARTITIONS))
    await double(worker)
    for past in (before, moved):
        assert (await client.get(path, params={"at": past["position"]}, headers=auth(USER))).json() == past
    assert (await client.get(path, headers=auth(USER))).json()["balances"] != before["balances"]


@pytest.mark.parametrize("count", [1, 20])
async def test_a_request_that_is_repeated_after_the_partitions_grew_names_where_its_commands_are(
    client: httpx.AsyncClient, worker: Worker, count: int
) -> None:
    users = [USER, *(f"venue-user-{number}" for number in range(count - 1))]
    fills = [{**fill(number), "user_id": user} for number, user in enumerate(users)]
    keyed = {**auth("venue", Role.VENUE), "Idempotency-Key": "k-1"}
    first = await client.post("/v1/fills", json={"fills": fills}, headers=keyed)
    assert first.status_code == 202, first.text
    await double(worker)
    again = await client.post("/v1/fills", json={"fills": fills}, headers=keyed)
    assert again.status_code == 202, again.text
    for part in ("position", "events"):
        assert again.json()[part] == first.json()[part]
    assert len(await everything(worker)) == count


async def everything(worker: Worker) -> list[bytes | None]:
    """Return the keys of all commands of trading."""
    partitions = (await worker.log.topic(topics.TRADING_COMMANDS, fresh=True)).spec.partitions
    places = {TopicPartition(topics.TRADING_COMMANDS, number): 0 for number in range(partitions)}
    return [one.key for records in (await worker.log.fetch(places)).values() for one in records]
