"""Operators follow an event, look at a row now and then, and ask for the events behind it."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from faust_redis.log import Record
from msgspec.structs import replace

from api.auth import Role
from api.operators import lineage, rows
from api.operators.searches import SearchError, Searches
from deploy.run.behind import behind_by_process
from streams.events import encode
from streams.events.envelope import AnyEvent
from tables.gamification import GAMIFICATION_PROGRESS
from tests.integration.api.socket_client import progress
from tests.integration.api.support import PARTITIONS, Worker, auth
from tests.integration.api.test_ingress import assert_problem
from tests.unit.streams.test_lineage import FACT, REQUEST, xp

STAFF = auth("operator", Role.MODERATOR) | {"X-Audit-Reason": "a dispute over a level"}
WHY = f"/v1/tables/{GAMIFICATION_PROGRESS.name}/why?key=ada"
ROW = f"/v1/tables/{GAMIFICATION_PROGRESS.name}/row?key=ada"


async def traced(client: httpx.AsyncClient, event: str) -> dict[str, Any]:
    answer = await client.get("/v1/trace", params={"event": event}, headers=STAFF)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def causes(found: dict[str, Any]) -> dict[str, str | None]:
    """Return the events of a trace, each with its cause."""
    events = [one["event"] for one in found["events"]]
    return {event["id"]: event.get("causationid") for event in events}


async def put(worker: Worker, *events: AnyEvent, at_ms: int = 0, topic: str | None = None) -> None:
    await worker.log.append([Record(topic or one.data.topic, 1, b"k", encode(one), at_ms) for one in events])


async def test_a_chain_is_found_by_the_id_and_by_the_place_of_any_of_its_events(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    await put(worker, REQUEST, FACT, xp(3))
    for named in (REQUEST.id, xp(3).id, f"{FACT.data.topic}:1@0"):
        found = await traced(client, named)
        assert causes(found) == {REQUEST.id: None, FACT.id: REQUEST.id, xp(3).id: FACT.id}
        assert found["cut"] == []
    assert (await traced(client, f"{FACT.data.topic}:1@0"))["event"] == FACT.id
    for named in ("a" * 32, f"{FACT.data.topic}:1@9", "astra.no.topic:1@9"):
        answer = await client.get("/v1/trace", params={"event": named}, headers=STAFF)
        assert_problem(answer, 404, "not-found")


async def test_a_chain_is_found_by_the_id_of_its_trace(client: httpx.AsyncClient, worker: Worker) -> None:
    at = REQUEST.time
    request: AnyEvent = type(REQUEST).first(
        REQUEST.data,
        event_id=REQUEST.id,
        time=at,
        key="ada",
        rules_version=1,
        traceparent=f"00-{'5' * 32}-{'7' * 16}-00",
    )
    await put(worker, request, request.then(FACT.data))
    assert (await traced(client, "5" * 32))["event"] == REQUEST.id


async def test_a_chain_as_long_as_a_trace_may_be_is_answered(client: httpx.AsyncClient, worker: Worker) -> None:
    chain: list[AnyEvent] = [REQUEST]
    while len(chain) < lineage.EVENTS_MAX - 1:
        chain.append(chain[-1].then(FACT.data))
    await put(worker, *chain)
    found = await traced(client, chain[-1].id)
    assert causes(found) == dict(zip([one.id for one in chain], [None, *(one.id for one in chain)], strict=False))
    assert found["cut"] == []


async def test_a_trace_that_left_something_out_says_so(
    client: httpx.AsyncClient, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lineage, "EACH", 2)
    await put(worker, REQUEST, *(xp(amount) for amount in range(1, 6)))  # written with the time 0, before the event's
    assert (await traced(client, xp(5).id))["cut"] == ["only the newest 2 records of each partition were read"]
    refused = await client.get("/v1/trace", params={"event": xp(1).id}, headers=STAFF)
    assert "only the newest 2 records" in assert_problem(refused, 404, "not-found")["detail"]
    monkeypatch.setattr(lineage, "EVENTS_MAX", 1)
    assert "the search stopped at 1 events" in (await traced(client, xp(5).id))["cut"]
    monkeypatch.setattr(lineage, "TRACE_S", -1.0)
    assert_problem(await client.get("/v1/trace", params={"event": xp(5).id}, headers=STAFF), 404, "not-found")


async def test_an_old_event_is_found_by_the_time_of_its_id(
    client: httpx.AsyncClient, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its records are far from the newest ones, but they lie where the time of the log is that of the event."""
    monkeypatch.setattr(lineage, "EACH", 4)
    await put(worker, REQUEST, FACT, at_ms=REQUEST.time.milliseconds())
    later = [REQUEST.then(FACT.data, name=str(number)) for number in range(20)]
    others = [replace(event, correlationid=event.id) for event in later]
    for topic in (REQUEST.data.topic, FACT.data.topic):
        await put(worker, *others, at_ms=REQUEST.time.milliseconds() + 3_600_000, topic=topic)
    for named in (REQUEST.id, FACT.id, f"{FACT.data.topic}:1@0"):
        found = await traced(client, named)
        assert causes(found) == {REQUEST.id: None, FACT.id: REQUEST.id}
        assert found["cut"] == ["of each partition at most 4 records from 2026-01-05T11:59:00Z on were read"]


async def test_events_of_earlier_times_are_not_said_to_be_left_out(
    client: httpx.AsyncClient, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A short log is read whole. In a long one a chain is whole that has its first cause, whatever lies before."""
    earlier = [replace(event, correlationid=event.id) for event in (xp(amount) for amount in range(20))]
    for topic in (REQUEST.data.topic, FACT.data.topic):
        await put(worker, *earlier, at_ms=REQUEST.time.milliseconds() - 3_600_000, topic=topic)
    await put(worker, REQUEST, FACT, at_ms=REQUEST.time.milliseconds())
    for each in (lineage.EACH, 4):
        monkeypatch.setattr(lineage, "EACH", each)
        found = await traced(client, FACT.id)
        assert (causes(found), found["cut"]) == ({REQUEST.id: None, FACT.id: REQUEST.id}, [])
    lost = replace(FACT, id=xp(50).id, correlationid=xp(50).id.replace("7", "6"))
    await put(worker, lost, at_ms=REQUEST.time.milliseconds())
    assert (await traced(client, lost.id))["cut"] == [
        "of each partition at most 4 records from 2026-01-05T11:59:00Z on were read"
    ]


async def test_one_search_runs_at_a_time_and_what_fails_is_said(
    client: httpx.AsyncClient, app: FastAPI, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    going, asked = asyncio.Event(), asyncio.Event()

    async def behind(table: str, key: str) -> bytes:
        asked.set()
        await going.wait()
        if key == "bob":
            raise SearchError("the log has no order")
        return json.dumps({"partitions": [], "cut": [table, key]}).encode()

    assert_problem(await client.get(WHY, headers=STAFF), 503, "unavailable")
    searches: Searches = app.state.api.searches
    monkeypatch.setattr(searches, "_behind", behind)
    first = asyncio.create_task(client.get(WHY, headers=STAFF))
    await asked.wait()
    assert assert_problem(await client.get(WHY, headers=STAFF), 503, "unavailable")["detail"].startswith("this process")
    going.set()
    assert (await first).json()["cut"] == [GAMIFICATION_PROGRESS.name, "ada"]
    failed = assert_problem(await client.get(WHY.replace("ada", "bob"), headers=STAFF), 503, "unavailable")
    assert failed["detail"] == "the log has no order"
    assert_problem(await client.get("/v1/tables/no-such/why?key=ada", headers=STAFF), 404, "not-found")


async def test_a_row_is_shown_as_stored_now_and_as_of_a_position(client: httpx.AsyncClient, worker: Worker) -> None:
    assert (await client.get(ROW, headers=STAFF)).json()["rows"] == []
    await worker.put_user(GAMIFICATION_PROGRESS.name, "ada", progress(5))
    before = (await client.get(ROW, headers=STAFF)).json()
    assert [json.loads(row)["xp"] for row in before["rows"]] == [5]
    await worker.put_user(GAMIFICATION_PROGRESS.name, "ada", progress(9))
    assert '"xp": 9,' in (await client.get(ROW, headers=STAFF)).json()["rows"][0]
    then = (await client.get(ROW, params={"key": "ada", "at": before["position"]}, headers=STAFF)).json()
    assert then == before
    for at, status, kind in (("x", 422, "validation"), ("another@e:1-1", 422, "validation")):
        assert_problem(await client.get(ROW, params={"key": "ada", "at": at}, headers=STAFF), status, kind)
    gone = before["position"].replace("@", "@0")
    assert_problem(await client.get(ROW, params={"key": "ada", "at": gone}, headers=STAFF), 410, "position-gone")


async def test_a_position_of_an_unknown_partition_is_refused(client: httpx.AsyncClient, worker: Worker) -> None:
    await worker.put_user(GAMIFICATION_PROGRESS.name, "ada", progress(5))
    position: str = (await client.get(ROW, headers=STAFF)).json()["position"]
    answer = await client.get(ROW, params={"key": "ada", "at": f"{position}.{PARTITIONS}-0"}, headers=STAFF)
    assert f"no partition {PARTITIONS} " in assert_problem(answer, 422, "validation")["detail"]


async def test_all_partitions_share_the_bound_of_a_look_at_the_past(
    client: httpx.AsyncClient, app: FastAPI, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    for partition in (0, 1):
        await worker.put(GAMIFICATION_PROGRESS.name, "ada", progress(5), partition=partition)
    then = {"key": "ada", "at": (await client.get(ROW, headers=STAFF)).json()["position"]}
    for partition in (0, 1):
        await worker.put(GAMIFICATION_PROGRESS.name, "ada", progress(6), partition=partition)
    monkeypatch.setattr(rows, "RECORDS_MAX", 4)
    assert len((await client.get(ROW, params=then, headers=STAFF)).json()["rows"]) == 2
    monkeypatch.setattr(rows, "RECORDS_MAX", 3)
    answer = await client.get(ROW, params=then, headers=STAFF)
    assert assert_problem(answer, 410, "position-gone")["detail"].startswith("more than 3 changes")
    with app.state.api.searches.alone():
        assert_problem(await client.get(ROW, params=then, headers=STAFF), 503, "unavailable")
        assert (await client.get(ROW, headers=STAFF)).status_code == 200


async def test_the_events_behind_a_row_are_found_by_a_process_of_its_own(
    client: httpx.AsyncClient, app: FastAPI, worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = app.state.api.config
    monkeypatch.setitem(os.environ, "ASTRA_BROKER_URL", config.log_url)
    monkeypatch.setitem(os.environ, "ASTRA_NAMESPACE", config.namespace)
    monkeypatch.setattr(app.state.api.searches, "_behind", behind_by_process(tmp_path))
    answer = await client.get(WHY, headers=STAFF)
    assert answer.json() == {"partitions": [], "cut": []}, answer.text
    monkeypatch.setitem(os.environ, "ASTRA_PARTITIONS", "none")
    failed = assert_problem(await client.get(WHY, headers=STAFF), 503, "unavailable")
    assert "ASTRA_PARTITIONS" in failed["detail"]
