"""Moderators and admins give a reason to read what belongs to a user, and the audit log keeps it."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError

from api.auth import Role
from api.identity import audit
from api.kit.audited import ASKED
from api.permissions import PERMISSIONS
from tables.gamification import GAMIFICATION_PROGRESS
from tests.integration.api.support import Worker, auth
from tests.integration.api.test_ingress import assert_problem

PATH = "/v1/users/ada/trades"
REASON = "a dispute over a fill"
ROWS = GAMIFICATION_PROGRESS.name


async def entries(app: FastAPI) -> list[audit.Entry]:
    async with app.state.api.store.read() as connection:
        return await audit.entries(connection, last=100)


def reading(role: Role, reason: str | None = REASON, subject: str = "mod") -> dict[str, str]:
    return auth(subject, role) | ({} if reason is None else {"X-Audit-Reason": reason})


@pytest.mark.parametrize("role", [Role.MODERATOR, Role.ADMIN])
async def test_the_reason_for_reading_a_users_data_is_kept(
    app: FastAPI, client: httpx.AsyncClient, worker: Worker, role: Role
) -> None:
    assert (await client.get(PATH, headers=reading(role))).status_code == 200
    [entry] = await entries(app)
    assert entry[2:] == ("mod", "private.read", "ada", {"reason": REASON, "route": "/v1/users/{user_id}/trades"})


@pytest.mark.parametrize("user_id", ["%00", "a%20b", "x" * 65, "%F0%9F%98%80", "ada%0A"])
async def test_a_reading_of_an_impossible_user_leaves_no_entry(
    app: FastAPI, client: httpx.AsyncClient, worker: Worker, user_id: str
) -> None:
    answer = await client.get(f"/v1/users/{user_id}/trades", headers=reading(Role.MODERATOR))
    assert [fault["parameter"] for fault in assert_problem(answer, 422, "validation")["errors"]] == ["user_id"]
    assert not await entries(app)


def test_an_entry_has_every_parameter_of_an_audited_route(app: FastAPI) -> None:
    for (method, path), permission in PERMISSIONS.items():
        if permission.audited:
            described = app.openapi()["paths"][path][method.lower()]["parameters"]
            asked = {one["name"] for one in described if one["in"] in {"path", "query"}}
            assert asked, path
            assert asked <= {*ASKED}, path


async def test_the_order_and_length_of_a_query_hide_nothing_from_the_entry(
    app: FastAPI, client: httpx.AsyncClient, worker: Worker
) -> None:
    zeros, key = "0" * 1_990, "\N{FIRE}" * 256
    position = f"e:{zeros}-1"
    path, reason = f"/v1/tables/{ROWS}/row", REASON.ljust(200, "!")
    for asked in ({"at": position, "key": "victim"}, {"key": key, "at": position}):
        answer = await client.get(path, params=asked, headers=reading(Role.MODERATOR, reason))
        assert_problem(answer, 410, "position-gone")
        entry = (await entries(app))[-1]
        assert list(entry.detail["asked"].items()) == [("table", ROWS), ("key", asked["key"]), ("at", position)]


@pytest.mark.parametrize("query", ["key=x&key=victim", "key=victim&at=e:0-1&at=e:0-2"])
@pytest.mark.parametrize("role", [Role.MODERATOR, Role.SERVICE])
async def test_a_parameter_that_comes_twice_is_refused(
    app: FastAPI, client: httpx.AsyncClient, worker: Worker, query: str, role: Role
) -> None:
    answer = await client.get(f"/v1/tables/{ROWS}/row?{query}", headers=reading(role))
    assert "more than once" in assert_problem(answer, 422, "validation")["detail"]
    assert not await entries(app)


@pytest.mark.parametrize("key", ["%00", "ada%0A", "%C2%85", "x" * 257, ""])
@pytest.mark.parametrize("role", [Role.MODERATOR, Role.SERVICE])
async def test_an_impossible_key_is_refused_and_leaves_no_entry(
    app: FastAPI, client: httpx.AsyncClient, worker: Worker, key: str, role: Role
) -> None:
    for part in ("row", "why"):
        answer = await client.get(f"/v1/tables/{ROWS}/{part}?key={key}", headers=reading(role))
        assert [fault["parameter"] for fault in assert_problem(answer, 422, "validation")["errors"]] == ["key"]
    assert not await entries(app)


@pytest.mark.parametrize("reason", [None, "", "because", "x" * 201, "        ", " short  "])
async def test_without_a_reason_nothing_is_shown(
    app: FastAPI, client: httpx.AsyncClient, worker: Worker, reason: str | None
) -> None:
    for part in ("trades", "positions", "portfolio"):
        answer = await client.get(f"/v1/users/ada/{part}", headers=reading(Role.MODERATOR, reason))
        assert "X-Audit-Reason" in assert_problem(answer, 403, "forbidden")["detail"]
    assert not await entries(app)


async def test_users_and_services_need_no_reason(app: FastAPI, client: httpx.AsyncClient, worker: Worker) -> None:
    for headers in (reading(Role.USER, None, "ada"), reading(Role.MODERATOR, None, "ada"), reading(Role.SERVICE, None)):
        assert (await client.get(PATH, headers=headers)).status_code == 200
    assert not await entries(app)


async def test_a_refused_reader_leaves_no_entry(app: FastAPI, client: httpx.AsyncClient, worker: Worker) -> None:
    for headers in (reading(Role.USER), reading(Role.VENUE), {"X-Audit-Reason": REASON}):
        assert (await client.get(PATH, headers=headers)).status_code in {401, 403}
    assert not await entries(app)


async def test_nothing_is_shown_when_the_reason_cannot_be_kept(
    client: httpx.AsyncClient, worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any, **__: Any) -> None:
        raise OperationalError("INSERT", {}, Exception("the disk is full"))

    monkeypatch.setattr(audit, "record", away)
    assert_problem(await client.get(PATH, headers=reading(Role.MODERATOR)), 503, "unavailable")
