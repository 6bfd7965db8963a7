"""Helpers for tests of signing in: clients at addresses, and the requests that they make."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

import httpx
from fastapi import FastAPI

from api.identity import audit
from api.identity.passwords import Argon2Parameters
from api.kit.context import Api

PASSWORD = "zephyr-quilt-mattress"
OTHER_PASSWORD = "walnut-harbour-trombone"
OF_POLLS = "accounts.changed_us >"
"""The poll of private users, which runs beside the requests."""
OF_SIGNING_IN = re.compile(r"accounts|credentials|sessions|sign_in_failures")
"""The process's own tasks use other tables, at any time."""
CHEAP = Argon2Parameters(memory_kib=64, passes=1, lanes=1)

Answer = dict[str, Any]


def client_at(app: FastAPI, address: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, raise_app_exceptions=False, client=(address, 50_000))
    return httpx.AsyncClient(transport=transport, base_url="http://api", headers={"User-Agent": "a test"})


async def registered(client: httpx.AsyncClient, username: str = "alice", **more: Any) -> Answer:
    answer = await client.post("/v1/auth/register", json={"username": username, "password": PASSWORD, **more})
    assert answer.status_code == 201, answer.text
    body: Answer = answer.json()
    return body


async def log_in(client: httpx.AsyncClient, login: str = "alice", password: str = PASSWORD) -> httpx.Response:
    return await client.post("/v1/auth/login", json={"login": login, "password": password})


async def refresh(client: httpx.AsyncClient, tokens: Answer) -> httpx.Response:
    return await client.post("/v1/auth/refresh", json={"refresh_token": tokens["refresh_token"]})


def bearer(tokens: Answer) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def sessions(client: httpx.AsyncClient, tokens: Answer) -> list[Answer]:
    answer = await client.get("/v1/account/sessions", headers=bearer(tokens))
    assert answer.status_code == 200, answer.text
    found: list[Answer] = answer.json()["sessions"]
    return found


async def is_signed_in(api: Api, client: httpx.AsyncClient, tokens: Answer) -> bool:
    await api.identity.refresh()
    answer = await client.get("/v1/account/sessions", headers=bearer(tokens))
    assert answer.status_code in {200, 401}
    return answer.status_code == 200


async def actions(api: Api, account_id: str) -> list[str]:
    async with api.store.read() as connection:
        return [entry.action for entry in await audit.entries(connection, last=20, subject=account_id)]


def claims(tokens: Answer) -> Answer:
    payload = tokens["access_token"].split(".")[1]
    found: Answer = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found
