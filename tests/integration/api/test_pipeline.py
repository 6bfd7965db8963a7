"""`/v1/pipeline`: the broker's view of each domain's workers."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.auth import Role
from api.config import ApiConfig
from streams import topics
from tables.domains import TOPOLOGY
from tests.integration.api.support import PARTITIONS, Worker, auth, scraped

STAFF = auth("operator", Role.MODERATOR)
RECOVERED = {"generation": 3, "assigned": 2, "recovered": True}


async def domains(client: httpx.AsyncClient) -> dict[str, Any]:
    """Return the reported state of each domain."""
    answer = await client.get("/v1/pipeline", headers=STAFF)
    assert answer.status_code == 200
    assert answer.json()["ready"] is all(one["ready"] for one in answer.json()["domains"])
    return {one["domain"]: one for one in answer.json()["domains"]}


async def test_a_pipeline_without_workers_says_so(client: httpx.AsyncClient, worker: Worker) -> None:
    found = await domains(client)
    assert tuple(found) == TOPOLOGY.names
    for name, one in found.items():
        assert (one["group"], one["state"]) == (f"astratrade-{name}", "empty")
        assert (one["ready"], one["why_not"], one["members"]) == (False, "no worker is alive", [])
        assert one["lag"]["partitions"] == {
            topic: dict.fromkeys(map(str, range(PARTITIONS)), 0) for topic in sorted(TOPOLOGY.domain(name).consumes)
        }


async def test_topics_that_do_not_exist_yet_have_no_lag(client: httpx.AsyncClient) -> None:
    assert all(one["lag"]["partitions"] == {} for one in (await domains(client)).values())


async def test_a_domain_is_ready_when_every_live_worker_has_its_tables(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    steps: list[tuple[str, dict[str, dict[str, Any]], str | None]] = [
        ("preparing", {"a": RECOVERED}, "the group is preparing: partitions are being assigned"),
        ("stable", {"a": RECOVERED, "b": {**RECOVERED, "recovered": False}}, "1 of 2 workers"),
        ("stable", {"b": {**RECOVERED, "generation": 2}}, "1 of 2 workers"),
        ("stable", {"b": RECOVERED}, None),
    ]
    for state, members, missing in steps:
        await worker.set_group("financial", state, members)
        found = await domains(client)
        one = found["financial"]
        assert (one["state"], one["generation"], one["ready"]) == (state, 3, missing is None)
        assert missing is None or missing in one["why_not"]
        assert not found["trading"]["ready"]
    for name in TOPOLOGY.names:
        await worker.set_group(name, "stable", {"a": RECOVERED})
    assert (await client.get("/v1/pipeline", headers=STAFF)).json()["ready"] is True


async def test_a_worker_without_a_lease_does_not_count(client: httpx.AsyncClient, worker: Worker) -> None:
    await worker.set_group("trading", "stable", {"a": RECOVERED}, lease_s=-5)
    assert (await domains(client))["trading"]["members"] == []


async def test_members_are_listed_with_their_partitions_and_recovery(client: httpx.AsyncClient, worker: Worker) -> None:
    status = {**RECOVERED, "recovered": False, "restored": 1_200, "total": 5_000, "damaged": ["t:2: a foreign record"]}
    await worker.set_group("trading", "stable", {"a": RECOVERED, "b": status})
    assigned = {topics.TRADING_COMMANDS: [0, 2], topics.TRADING_MARKS: [0, 2]}
    await worker.assign("trading", "b", assigned)
    first, second = (await domains(client))["trading"]["members"]
    assert (first["name"], first["partitions"], first["recovery"]) == (
        "a",
        {},
        {"done": True, "records": None, "total": None},
    )
    assert (second["name"], second["partitions"]) == ("b", assigned)
    assert second["recovery"] == {"done": False, "records": 1_200, "total": 5_000}
    assert (first["damaged"], second["damaged"]) == ([], ["t:2: a foreign record"])
    assert 0 < second["lease_ms"] <= 60_000


async def test_members_with_another_rule_book_than_the_api_are_named(
    client: httpx.AsyncClient, app: FastAPI, worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    own, other = app.state.api.config.rulebook, "2-another"
    await worker.set_group("trading", "stable", {"a": {**RECOVERED, "labels": {"rulebook": own}}, "old": RECOVERED})
    answer = (await client.get("/v1/pipeline", headers=STAFF)).json()
    assert (answer["rulebook"], answer["rulebooks_differ"]) == (own, None)
    assert [one["rulebook"] for one in answer["domains"][0]["members"]] == [own, None]

    await worker.set_group("financial", "stable", {"b": {**RECOVERED, "labels": {"rulebook": other}}})
    message = f"rule books differ: this process has {own}, b of astratrade-financial has {other}"
    assert (await client.get("/v1/pipeline", headers=STAFF)).json()["rulebooks_differ"] == message
    await app.state.api.rulebooks.look()
    await app.state.api.rulebooks.look()
    assert [record.getMessage() for record in caplog.records].count(message) == 1, "logged once, not at each look"


async def test_lag_is_given_in_records_and_in_seconds(client: httpx.AsyncClient, app: FastAPI, worker: Worker) -> None:
    await worker.emit_one(topics.TRADING_EVENTS, 1)
    lag = (await domains(client))["financial"]["lag"]
    assert (lag["records"], lag["partitions"][topics.TRADING_EVENTS]["1"]) == (1, 1)
    await worker.commit(topics.TRADING_EVENTS, 1, 1, domain="gamification")
    await asyncio.sleep(0.3)
    found = await domains(client)
    assert 0.3 <= found["financial"]["lag"]["seconds"] < 5
    assert found["gamification"]["lag"]["seconds"] == found["gamification"]["lag"]["records"] == 0
    await worker.commit(topics.TRADING_EVENTS, 1, 1, domain="financial")
    assert (await domains(client))["financial"]["lag"]["seconds"] == 0


async def test_a_damaged_partition_that_two_workers_report_is_counted_once(app: FastAPI, worker: Worker) -> None:
    gauge = 'astra_api_group_partitions_damaged{domain="trading"}'
    for damaged, count in ((["t:2: torn"], 1), ([], 0)):
        status = {**RECOVERED, "damaged": damaged}
        await worker.set_group("trading", "stable", {"a": status, "b": status})
        assert f"{gauge} {count}.0" in await scraped(app)


async def test_the_topology_has_every_domain_table_topic_and_edge(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/pipeline/topology", headers=STAFF)
    assert answer.status_code == 200
    found = answer.json()
    assert [one["group"] for one in found["domains"]] == list(TOPOLOGY.groups("astratrade").values())
    assert [table["table"] for one in found["domains"] for table in one["tables"]] == [
        table.name for table in TOPOLOGY.tables
    ]
    assert [one["topic"] for one in found["topics"]] == list(TOPOLOGY.topics)
    nodes = {*found["sources"], *TOPOLOGY.names, *TOPOLOGY.topics}
    assert {end for edge in found["edges"] for end in edge.values()} == nodes
    assert {"source": "clients", "target": topics.TRADING_COMMANDS} in found["edges"]
    assert {"source": topics.TRADING_COMMANDS, "target": "trading"} in found["edges"]
    assert {"source": "clock", "target": topics.CLOCK} in found["edges"]


async def test_only_the_staff_are_told_where_grafana_is(config: ApiConfig) -> None:
    url = "https://grafana.example.com"
    app = create_app(replace(config, grafana_url=url))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api") as client,
    ):
        assert (await client.get("/v1/pipeline/topology", headers=STAFF)).json()["grafana_url"] == url
        assert url not in (await client.get("/page-settings")).text
        refused = await client.get("/v1/pipeline/topology", headers=auth("ada"))
        assert (refused.status_code, url in refused.text) == (403, False)


async def test_rates_are_those_of_the_last_seconds(client: httpx.AsyncClient, app: FastAPI, worker: Worker) -> None:
    await domains(client)
    await asyncio.sleep(0.6)
    for _ in range(6):
        await worker.emit_one(topics.TRADING_EVENTS, 1)
    await worker.commit(topics.TRADING_EVENTS, 1, 3, domain="financial")
    state = (await client.get("/v1/pipeline", headers=STAFF)).json()
    written = {one["topic"]: one for one in state["topics"]}[topics.TRADING_EVENTS]
    processed = {one["domain"]: one["rates"] for one in state["domains"]}
    assert written["records"] == 6
    assert 0 < written["per_second"] <= 10
    assert processed["financial"][topics.TRADING_EVENTS] == pytest.approx(written["per_second"] / 2, abs=0.01)
    assert processed["gamification"][topics.TRADING_EVENTS] == 0
