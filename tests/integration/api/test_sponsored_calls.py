"""Sponsored calls in the API: the command that is written, numbers that are none, and no route without a sponsor."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.config import ApiConfig
from api.identity.wallets.felts import PRIME, padded
from api.kit.clock import now
from streams import topics
from streams.events.user import ContractCall, SponsorCall
from streams.times import SECOND_US, Instant
from tables.user import USER_SPONSORED, SponsoredCalls
from tables.user import SponsoredCall as Row
from tests.integration.api.support import SPONSOR, Worker, auth
from tests.integration.api.test_nft import written

PATH = "/v1/sponsored-calls"
BODY: dict[str, Any] = {
    "account": "0xA1",
    "nonce": "0x7",
    "execute_after": 0,
    "execute_before": 1_900_000_000,
    "calls": [{"to": "0x5B4", "selector": "0x83afd3f", "calldata": ["0x3c", "0x0"]}],
    "signature": ["0x11", "0x22"],
}


async def test_signed_calls_are_written_once_under_the_caller(client: httpx.AsyncClient, worker: Worker) -> None:
    headers = {**auth("ada"), "Idempotency-Key": "k-1"}
    answers = [await client.post(PATH, json=BODY, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202], answers[0].text
    assert answers[0].json()["call_id"] == answers[1].json()["call_id"]
    [(key, command)] = {each[1].call_id: each for each in await written(worker, topics.USER_COMMANDS)}.values()
    call = ContractCall(to=padded(0x5B4), selector=padded(0x83AFD3F), calldata=(padded(0x3C), padded(0)))
    assert key == "ada"
    assert command == SponsorCall(
        call_id=answers[0].json()["call_id"], account=padded(0xA1), nonce=padded(7), execute_after=0,
        execute_before=1_900_000_000, calls=(call,), signature=(padded(0x11), padded(0x22)),
    )  # fmt: skip


async def test_a_repeat_after_the_window_has_the_answer_of_the_first(
    client: httpx.AsyncClient, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {**auth("ada"), "Idempotency-Key": "k-1"}
    body = BODY | {"execute_before": now() // SECOND_US + 60}
    first = await client.post(PATH, json=body, headers=headers)
    monkeypatch.setattr("api.kit.commands.reading.now", lambda: Instant(now() + 120 * SECOND_US))
    again = await client.post(PATH, json=body, headers=headers)
    assert (again.status_code, again.json()) == (202, first.json()), again.text


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"nonce": hex(PRIME)}, "#/nonce"),
        ({"account": "0x0"}, "#/account"),
        ({"calls": []}, "#/calls"),
        ({"calls": [{"to": hex(PRIME), "selector": "0x1"}]}, "#/calls/0/to"),
        ({"calls": [{"to": "0x5", "selector": "0x1", "calldata": ["0x1"] * 101}]}, "#/calls/0/calldata"),
        ({"signature": []}, "#/signature"),
        ({"execute_before": -1}, "#/execute_before"),
        ({"execute_after": 2_000, "execute_before": 2_001}, "#/execute_before"),
        ({"execute_after": 2**40, "execute_before": 2**41}, "#/execute_after"),
    ],
)
async def test_what_no_contract_can_take_is_named_and_not_written(
    client: httpx.AsyncClient, worker: Worker, changes: dict[str, Any], pointer: str
) -> None:
    answer = await client.post(PATH, json=BODY | changes, headers=auth("ada"))
    assert answer.status_code == 422, answer.text
    assert [fault["pointer"] for fault in answer.json()["errors"]] == [pointer]
    assert await written(worker, topics.USER_COMMANDS) == []


async def test_a_user_reads_what_became_of_its_calls(client: httpx.AsyncClient, worker: Worker) -> None:
    calls = (Row(call_id="c-1", status="refused", reason="expired", at=Instant(5)), Row(call_id="c-2", at=Instant(6)))
    await worker.put_user(USER_SPONSORED.name, "ada", SponsoredCalls(calls=calls))
    path = "/v1/users/ada/sponsored-calls"
    found = (await client.get(path, headers=auth("ada"))).json()
    assert [(each["call_id"], each["status"], each["reason"]) for each in found["calls"]] == [
        ("c-1", "refused", "expired"),
        ("c-2", "pending", ""),
    ]
    assert (await client.get(path, headers=auth("bob"))).status_code == 403


async def test_a_wallet_learns_for_whom_it_signs(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v1/sponsor")
    assert answer.json() == {"chain_id": "SN_SEPOLIA", "account": SPONSOR}


async def test_without_a_sponsor_nothing_is_taken(config: ApiConfig, worker: Worker) -> None:
    app: FastAPI = create_app(replace(config, sponsor=""))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://api") as client,
    ):
        assert (await client.get("/v1/sponsor")).status_code == 404
        assert (await client.post(PATH, json=BODY, headers=auth("ada"))).status_code == 404
    assert await written(worker, topics.USER_COMMANDS) == []
