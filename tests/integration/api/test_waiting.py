"""`?after=`: a query waits until the effect of a command shows, up to its time limit."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from faust_redis.log import Log

from streams import topics
from tables.gamification import GAMIFICATION_PROGRESS, Progress
from tables.social_people import SOCIAL_PEOPLE, Person
from tables.trading import TRADING_PORTFOLIO, Portfolio
from tests.integration.api.support import PARTITIONS, Worker, auth
from tests.integration.api.test_ingress import USER, assert_problem

PROGRESS = Progress(xp=15, max_leverage=10)


async def command(client: httpx.AsyncClient) -> dict[str, Any]:
    """Return an accepted command of alice."""
    accepted: dict[str, Any] = (await client.post("/v1/trades/t-1/close", headers=USER)).json()
    return accepted


async def test_an_answer_waits_for_every_topic_on_the_way(client: httpx.AsyncClient, worker: Worker) -> None:
    accepted = await command(client)
    partition = accepted["partition"]
    await worker.put_user(GAMIFICATION_PROGRESS.name, "alice", PROGRESS)
    asking = asyncio.create_task(
        client.get("/v1/users/alice/progress", params={"after": accepted["position"], "wait_ms": 20_000})
    )
    await worker.emit_one(topics.TRADING_EVENTS, partition)
    await worker.commit(topics.TRADING_COMMANDS, partition, 1)
    done, _ = await asyncio.wait({asking}, timeout=0.2)
    assert not done, "the event that the command led to is not processed yet"
    await worker.commit(topics.TRADING_EVENTS, partition, 1, domain="financial")
    done, _ = await asyncio.wait({asking}, timeout=0.2)
    assert not done, "the domain that owns the table has not processed it yet"
    await worker.commit(topics.TRADING_EVENTS, partition, 1, domain="gamification")
    answer = await asking
    assert (answer.status_code, answer.json()["xp"]) == (200, 15)


async def test_an_interaction_is_waited_for_where_its_target_is(client: httpx.AsyncClient, worker: Worker) -> None:
    accepted = (await client.post("/v1/users/bob/interactions", json={"kind": "like"}, headers=USER)).json()
    await worker.put_user(SOCIAL_PEOPLE.name, "bob", Person(rating=50_000_000, likes=1))
    asking = asyncio.create_task(
        client.get("/v1/users/bob/social", params={"after": accepted["position"], "wait_ms": 20_000})
    )
    await worker.emit_one(topics.SOCIAL_EVENTS, worker.partition("bob"))
    await worker.commit(topics.SOCIAL_COMMANDS, accepted["partition"], 1)
    done, _ = await asyncio.wait({asking}, timeout=0.2)
    assert not done, "the target's partition has not counted it yet"
    await worker.commit(topics.SOCIAL_EVENTS, worker.partition("bob"), 1, domain="social")
    answer = await asking
    assert (answer.status_code, answer.json()["likes"]) == (200, 1)


async def test_only_the_partitions_of_the_position_count(client: httpx.AsyncClient, worker: Worker) -> None:
    accepted = await command(client)
    other = (accepted["partition"] + 1) % PARTITIONS
    await worker.emit_one(topics.TRADING_COMMANDS, other)
    await worker.commit(topics.TRADING_COMMANDS, accepted["partition"], 1)
    await worker.put_user(TRADING_PORTFOLIO.name, "alice", Portfolio(practice_balance=0, updated_at=0))
    answer = await client.get("/v1/users/alice/portfolio", params={"after": accepted["position"]}, headers=USER)
    assert answer.status_code == 200


async def test_prices_are_waited_for_in_every_partition(client: httpx.AsyncClient, worker: Worker) -> None:
    await worker.put_user(TRADING_PORTFOLIO.name, "alice", Portfolio(practice_balance=0, updated_at=0))
    place = await worker.emit_one(topics.MARKET_PRICES, 1)
    await worker.commit(topics.MARKET_PRICES, 1, 1)
    for partition in range(PARTITIONS):
        await worker.emit_one(topics.TRADING_MARKS, partition)
    parameters: dict[str, str | int] = {"after": place, "wait_ms": 50}
    for partition in range(PARTITIONS):
        answer = await client.get("/v1/users/alice/portfolio", params=parameters, headers=USER)
        assert assert_problem(answer, 504, "not-yet-visible")["behind"] == PARTITIONS - partition
        await worker.commit(topics.TRADING_MARKS, partition, 1)
    assert (await client.get("/v1/users/alice/portfolio", params=parameters, headers=USER)).status_code == 200


async def test_a_wait_that_times_out_reports_its_progress(client: httpx.AsyncClient, worker: Worker) -> None:
    accepted = await command(client)
    answer = await client.get("/v1/users/alice/progress", params={"after": accepted["position"], "wait_ms": 30})
    document = assert_problem(answer, 504, "not-yet-visible")
    found = [document[name] for name in ("domain", "topic", "behind")]
    assert found == ["trading", topics.TRADING_COMMANDS, 1]


async def test_many_waiters_share_one_poller(client: httpx.AsyncClient, worker: Worker, log: Log) -> None:
    await worker.put_user(GAMIFICATION_PROGRESS.name, "alice", PROGRESS)
    accepted = await command(client)
    asking = [
        asyncio.create_task(
            client.get("/v1/users/alice/progress", params={"after": accepted["position"], "wait_ms": 20_000})
        )
        for _ in range(100)
    ]
    await asyncio.wait(asking, timeout=0.1)
    await worker.commit(topics.TRADING_COMMANDS, accepted["partition"], 1)
    assert {answer.status_code for answer in await asyncio.gather(*asking)} == {200}


@pytest.mark.parametrize(
    ("after", "status", "kind"),
    [
        ("nonsense", 422, "validation"),
        ("no.such.topic@e:0-1", 422, "validation"),
        (f"{topics.TRADING_COMMANDS}@other:0-1", 410, "position-gone"),
        (f"{topics.FINANCIAL_FEES}@other:0-1", 422, "validation"),
    ],
)
async def test_positions_that_cannot_be_waited_for(
    client: httpx.AsyncClient, worker: Worker, after: str, status: int, kind: str
) -> None:
    assert_problem(await client.get("/v1/users/alice/progress", params={"after": after}), status, kind)


async def test_a_position_beyond_the_end_is_gone(client: httpx.AsyncClient, worker: Worker) -> None:
    accepted = await command(client)
    beyond = accepted["position"].rpartition("-")[0] + "-999"
    assert_problem(await client.get("/v1/users/alice/progress", params={"after": beyond}), 410, "position-gone")


async def test_a_tables_own_position_is_visible_at_once(client: httpx.AsyncClient, worker: Worker) -> None:
    await worker.put_user(GAMIFICATION_PROGRESS.name, "alice", PROGRESS)
    position = (await client.get("/v1/users/alice/progress")).json()["position"]
    assert (await client.get("/v1/users/alice/progress", params={"after": position})).status_code == 200


async def test_wait_ms_is_bounded(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/users/alice/progress", params={"wait_ms": 30_001}, headers=auth("alice"))
    assert_problem(answer, 422, "validation")


async def test_a_foreign_key_fails_the_request_that_waits_and_not_those_after_it(
    client: httpx.AsyncClient, worker: Worker, log: Log
) -> None:
    accepted = await command(client)
    partition, after = accepted["partition"], accepted["position"]
    await worker.put_user(GAMIFICATION_PROGRESS.name, "alice", PROGRESS)
    foreign = log.keys.ends(topics.TRADING_EVENTS)
    await log.redis.set(foreign, "foreign")
    failed = await client.get("/v1/users/alice/progress", params={"after": after, "wait_ms": 5_000})
    assert failed.status_code in {500, 503}
    await log.redis.delete(foreign)
    await worker.emit_one(topics.TRADING_EVENTS, partition)
    await worker.commit(topics.TRADING_COMMANDS, partition, 1)
    await worker.commit(topics.TRADING_EVENTS, partition, 1, domain="gamification")
    answer = await client.get("/v1/users/alice/progress", params={"after": after, "wait_ms": 5_000})
    assert (answer.status_code, answer.json()["xp"]) == (200, 15)
