"""Helpers for tests of API keys: make one, use one, and forge one."""

from __future__ import annotations

import zlib
from typing import Any

import httpx

from tests.identity.signing_in import PASSWORD, Answer, bearer

PRIVATE = "/v1/account/privacy"
"""A cheap route that a key with the scope `account` may call."""


async def made(client: httpx.AsyncClient, owner: Answer, path: str = "/v1/account/api-keys", **asked: Any) -> Answer:
    """Create a key and return the answer."""
    body = {"name": "bot", "scopes": ["account"], "password": PASSWORD, **asked}
    answer = await client.post(path, json=body, headers=bearer(owner))
    assert answer.status_code == 201, answer.text
    created: Answer = answer.json()
    return created


def sent(key: str) -> dict[str, str]:
    """Return the headers of a request with a key."""
    return {"Authorization": f"Bearer {key}"}


async def detail_of(client: httpx.AsyncClient, key: str, path: str = PRIVATE) -> tuple[int, str]:
    """Use a key; return the status and what a refusal says."""
    answer = await client.get(path, headers=sent(key))
    return answer.status_code, answer.json().get("detail", "")


def with_checksum(body: str) -> str:
    """Return a text with the checksum that a forger can compute, too."""
    return body + f"{zlib.crc32(body.encode()):08x}"


def forged(key: str) -> str:
    """Return a key with the same id, another secret, and the right checksum."""
    start, _, secret = key.rpartition("_")
    return with_checksum(f"{start}_{'0' * (len(secret) - 8)}")
