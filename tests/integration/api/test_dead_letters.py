"""`/v1/dead-letters`: pages of letters, one whole, replay and drop, each with its entry in the audit log."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from heapq import nsmallest
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from faust_redis.dead_letters import DeadLetter
from faust_redis.log import Log, Record, TopicPartition, TopicSpec

from api.auth import Role
from api.identity import audit
from api.kit.audited import ANYONE
from api.limits.policies import cost_of
from streams.topics import DEAD_LETTERS, TRADING_COMMANDS
from tests.integration.api.support import Worker, auth
from tests.integration.api.test_ingress import assert_problem

GROUP = "astratrade-trading"
STAFF = auth("operator", Role.MODERATOR)
ADMIN = auth("chief", Role.ADMIN)
WHY = {"reason": "the market is in the rule book now"}
ERROR = "Traceback (most recent call last):\n  File x\nValueError: no such market\n"


def letter(offset: int, value: bytes = b'{"a":1}') -> DeadLetter:
    return DeadLetter(GROUP, TRADING_COMMANDS, 1, offset, b"ada", value, 5, (("h", b"\xff"),), ERROR, 5, "orders")


@pytest.fixture
async def letters(log: Log, worker: Worker) -> list[DeadLetter]:
    await log.create_topic(TopicSpec(DEAD_LETTERS, 2, "compact"))
    found = [letter(offset) for offset in (2, 10, 7)]
    await log.append([Record(DEAD_LETTERS, 1, one.id.encode(), one.encode(), 5) for one in found])
    return found


async def entries(app: FastAPI) -> list[audit.Entry]:
    async with app.state.api.store.read() as connection:
        return await audit.entries(connection, last=100)


async def test_letters_are_listed_by_pages_in_the_order_of_their_offsets(
    client: httpx.AsyncClient, letters: list[DeadLetter]
) -> None:
    first = (await client.get("/v1/dead-letters?limit=2", headers=STAFF)).json()
    assert [one["offset"] for one in first["letters"]] == [2, 7]
    assert (first["total"], first["letters"][0]["cause"]) == (3, "ValueError: no such market")
    rest = (await client.get("/v1/dead-letters", params={"after": first["next_after"]}, headers=STAFF)).json()
    assert ([one["offset"] for one in rest["letters"]], rest["next_after"]) == ([10], None)
    assert_problem(await client.get("/v1/dead-letters?after=x", headers=STAFF), 422, "validation")


async def test_a_letter_that_goes_while_its_page_is_read_does_not_end_the_list(
    client: httpx.AsyncClient, app: FastAPI, letters: list[DeadLetter], monkeypatch: pytest.MonkeyPatch
) -> None:
    log: Log = app.state.api.log
    ids_of = log.at_once

    async def at_once(*commands: Sequence[Any]) -> list[Any]:
        found = await ids_of(*commands)
        if commands[0][0] == "HKEYS":
            gone = next(one for one in letters if one.offset == 7)
            await log.append([Record(DEAD_LETTERS, 1, gone.id.encode(), None, 5)])
        return found

    monkeypatch.setattr(log, "at_once", at_once)
    first = (await client.get("/v1/dead-letters?limit=2", headers=STAFF)).json()
    assert [one["offset"] for one in first["letters"]] == [2]
    rest = (await client.get("/v1/dead-letters", params={"after": first["next_after"]}, headers=STAFF)).json()
    assert ([one["offset"] for one in rest["letters"]], rest["next_after"]) == ([10], None)


async def test_the_ids_of_letters_are_ordered_beside_the_event_loop(
    client: httpx.AsyncClient, letters: list[DeadLetter], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = set[int]()

    def noted(limit: int, ids: Iterator[Any]) -> list[Any]:
        threads.add(threading.get_ident())
        return nsmallest(limit, ids)

    monkeypatch.setattr("faust_redis.dead_letters.nsmallest", noted)
    assert (await client.get("/v1/dead-letters", headers=STAFF)).json()["total"] == len(letters)
    assert threads
    assert threading.get_ident() not in threads


def test_listing_letters_costs_as_much_as_a_row_of_any_table() -> None:
    assert cost_of("GET", "/v1/dead-letters", b"") == cost_of("GET", "/v1/tables/t/row", b"key=ada") == 100


async def test_without_letters_the_list_is_empty(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/dead-letters", headers=STAFF)
    assert answer.json() == {"total": 0, "letters": [], "next_after": None}


async def test_a_whole_letter_is_shown_for_a_reason(
    client: httpx.AsyncClient, app: FastAPI, letters: list[DeadLetter]
) -> None:
    path = f"/v1/dead-letters/{letters[0].id}"
    assert_problem(await client.get(path, headers=STAFF), 403, "forbidden")
    assert not await entries(app)
    shown: dict[str, Any] = (await client.get(path, headers=STAFF | {"X-Audit-Reason": "a poison message"})).json()
    assert (shown["error"], shown["value"]["text"], shown["key"]["text"]) == (ERROR, '{"a":1}', "ada")
    assert shown["headers"] == [["h", {"text": "/w==", "encoding": "base64", "size": 1}]]
    [entry] = await entries(app)
    assert entry[2:5] == ("operator", "private.read", ANYONE)
    assert entry.detail["asked"] == {"letter_id": letters[0].id}


async def test_a_replay_appends_the_message_once_and_the_audit_log_keeps_the_reason(
    client: httpx.AsyncClient, app: FastAPI, log: Log, letters: list[DeadLetter]
) -> None:
    path = f"/v1/dead-letters/{letters[0].id}/replay"
    assert_problem(await client.post(path, json={"reason": "short"}, headers=ADMIN), 422, "validation")
    for _ in ("first", "again"):
        answer = await client.post(path, json=WHY, headers=ADMIN)
        assert answer.json() == {"topic": TRADING_COMMANDS, "partition": 1, "offset": 0}
    [copy] = (await log.fetch({TopicPartition(TRADING_COMMANDS, 1): 0}, count=9))[TopicPartition(TRADING_COMMANDS, 1)]
    assert copy.value == b'{"a":1}'
    assert [entry[2:] for entry in await entries(app)] == [("chief", "dead-letter.replay", letters[0].id, WHY)]
    assert_problem(await client.post(path.replace("replay", "drop"), json=WHY, headers=ADMIN), 404, "not-found")
    assert (await client.get("/v1/dead-letters", headers=STAFF)).json()["total"] == 2


async def test_a_dropped_letter_is_gone(client: httpx.AsyncClient, app: FastAPI, letters: list[DeadLetter]) -> None:
    path = f"/v1/dead-letters/{letters[1].id}"
    assert (await client.post(f"{path}/drop", json=WHY, headers=STAFF)).json() == {"id": letters[1].id}
    assert [entry[3:] for entry in await entries(app)] == [("dead-letter.drop", letters[1].id, WHY)]
    for way in ("drop", "replay"):
        assert_problem(await client.post(f"{path}/{way}", json=WHY, headers=STAFF), 404, "not-found")
    assert_problem(await client.post(f"{path}/drop", json=WHY, headers=auth("ada")), 403, "forbidden")
