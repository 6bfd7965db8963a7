"""Every command with every wrong field: a problem document that points to the field, and nothing in the log.

Routes, bodies and examples come from the OpenAPI document, so a new command is part of this test.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from faust_redis.log import Log

from api.app import create_app
from api.auth import Role
from streams.topics import CLOCK
from tables.domains import TOPOLOGY
from tests.integration.api.support import auth, config_of

DOCUMENT = create_app(config_of("redis://nowhere")).openapi()
ACCEPTED, UNPROCESSABLE = 202, 422
AUDITED = {"X-Audit-Reason": "the test of wrong fields"}
COMMANDS = [
    (method, path)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
    if "requestBody" in operation and str(ACCEPTED) in operation["responses"]
]
AMOUNTS = frozenset({"price", "size", "notional_usd", "fee_usd", "amount"})
SOME_ID = "0192f7c4-5d6e-7a10-8f00-1b2c3d4e5f60"
TEXT_TOO_LONG = "x" * 5_000


def example_of(method: str, path: str) -> Any:
    content = DOCUMENT["paths"][path][method]["requestBody"]["content"]["application/json"]
    return next(iter(content["examples"].values()))["value"]


def wrong_values(field: str, value: Any) -> Iterator[Any]:
    """Return values that nobody may send in the place of one."""
    yield {"an": "object"}
    match value:
        case bool():
            yield from ("perhaps", 2)
        case int():
            yield from ("many", -(2**70), 2**70, 1.5)
        case list():
            yield from (7, "none", [{"an": "object"}])
        case str():
            yield from (True, ["a", "list"], TEXT_TOO_LONG, "nul\x00")
            if field in AMOUNTS:
                yield from ("NaN", "Infinity", "1e400", "-1", "1.0000000000000000001", "")


def wrong_bodies(body: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Return a body for each wrong value, with the pointer that the answer must have; in a batch, in its first item."""
    [name, *others] = body or [""]
    if not others and body and isinstance(body[name], list) and isinstance(body[name][0], dict):
        item, *rest = body[name]
        yield f"/{name}", {name: []}
        for pointer, wrong in wrong_bodies(item):
            yield f"/{name}/0{pointer}", {name: [wrong, *rest]}
        return
    yield "/surprise", {**body, "surprise": 1}
    for field, value in body.items():
        for wrong in wrong_values(field, value):
            yield f"/{field}", {**body, field: wrong}


def required_fields(method: str, path: str) -> list[str]:
    schema = DOCUMENT["paths"][path][method]["requestBody"]["content"]["application/json"]["schema"]
    return list(DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]].get("required", []))


async def ends(log: Log) -> dict[str, dict[int, int]]:
    return {topic: await log.end_offsets(topic) for topic in TOPOLOGY.topics if topic != CLOCK}


async def caller_of(client: httpx.AsyncClient, method: str, url: str, body: Any) -> dict[str, str]:
    """Return the headers of a caller whose command is accepted."""
    answers = {}
    for role in Role:
        headers = {**auth("alice", role), **AUDITED}
        answer = await client.request(method, url, json=body, headers=headers)
        if answer.status_code == ACCEPTED:
            return headers
        answers[role] = answer.text
    raise AssertionError(f"no role may send the example of {method} {url}: {answers}")


@pytest.mark.usefixtures("worker")
async def test_a_wrong_field_is_named_and_nothing_is_appended(client: httpx.AsyncClient, log: Log) -> None:
    wrong_ones = 0
    for method, path in COMMANDS:
        url, body = re.sub(r"\{\w+\}", SOME_ID, path), example_of(method, path)
        headers = await caller_of(client, method, url, body)
        before = await ends(log)
        missing = [(f"/{name}", without(body, name)) for name in required_fields(method, path)]
        for pointer, wrong in [*wrong_bodies(body), *missing, ("", []), ("", "text")]:
            answer = await client.request(method, url, json=wrong, headers=headers)
            sent = f"{method} {path} {str(wrong)[:300]}: {answer.text}"
            assert answer.status_code == UNPROCESSABLE, sent
            assert answer.headers["content-type"] == "application/problem+json", sent
            problem = answer.json()
            assert problem["type"] == "/problems/validation", sent
            assert any(one["pointer"].startswith(f"#{pointer}") for one in problem["errors"]), sent
            wrong_ones += 1
        assert await ends(log) == before, f"{method} {path} appended a wrong command"
    assert len(COMMANDS) >= 24
    assert wrong_ones > 10 * len(COMMANDS)


def without(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {field: value for field, value in body.items() if field != name}
