"""A private user has no name for others, on boards, in feeds and in queries, and counts as before."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import orjson
import pytest
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncConnection

from api.app import create_app
from api.auth import Role
from api.config import ApiConfig
from api.identity import account_changes, accounts, audit
from api.identity.api_keys.store import NewKey, create_key
from api.identity.limits import LATE_COMMIT_US
from api.identity.private_users import PrivateUsers
from api.identity.store.database import IdentityStore
from api.identity.sub_accounts import create_sub_account
from api.kit.clock import now
from api.permissions import Scope
from streams import topics
from streams.events import AnyEvent, Event
from streams.events.gamification import XPGained
from streams.events.user import ProfileChanged
from streams.ids import new_id
from streams.times import Instant
from tables.boards import group
from tables.gamification import GAMIFICATION_PROGRESS, Progress, Unlocked
from tests.integration.api.sse import Reader, serving
from tests.integration.api.support import SEALER, Worker, auth
from tests.integration.api.test_ingress import assert_problem

NOW = Instant(1_726_819_200_000_000)
PRIVATE = "bob"
BOARD = {"board": "xp", "period": "all"}
STAFF = auth("mod", Role.MODERATOR)
READERS = {"anonymous": {}, "another user": auth("ada"), "a venue": auth("v", Role.VENUE)}
KNOWING = {"the user": auth(PRIVATE), "staff": STAFF}


async def hide(app: FastAPI, user: str = PRIVATE) -> None:
    store: IdentityStore = app.state.api.store
    async with store.work(now()) as work:
        await accounts.create_account(work, username=user, account_id=user)
        await account_changes.set_private(work, user, True, actor=user)
    await app.state.api.private_users.refresh()


async def key_of(app: FastAPI, user: str, role: Role, *scopes: Scope) -> dict[str, str]:
    """Return the headers of an account's key; the account is new unless it is the private user."""
    async with app.state.api.store.work(now()) as work:
        if user != PRIVATE:
            await accounts.create_account(work, username=user, account_id=user, role=role)
        key = await create_key(work, user, NewKey(name="bot", scopes=frozenset(scopes)), actor=user)
    return {"Authorization": f"Bearer {key.text}"}


async def add_child(app: FastAPI, parent: str) -> str:
    """Return the id of a new sub-account, after the process has learnt of it."""
    async with app.state.api.store.work(now()) as work:
        child = (await create_sub_account(work, parent, "bot")).id
    await app.state.api.private_users.refresh()
    await app.state.api.identity.refresh()
    return child


async def rank(worker: Worker) -> None:
    for score, user in ((30, "ada"), (20, PRIVATE), (10, "cyd")):
        await worker.rank(group("xp", "global", "all"), user, score, 3_600_000_000 + score)
        row = Progress(xp=score, max_leverage=10, updated_at=score, achievements=(Unlocked(name="first", at=score),))
        await worker.put_user(GAMIFICATION_PROGRESS.name, user, row)


def xp_gained(user: str, n: int) -> AnyEvent:
    data = XPGained(amount=n, multiplier_ppm=0, source="trade", source_event_id=new_id(NOW), total_xp=999)
    return Event.first(data, event_id=new_id(NOW), time=NOW, key=user, rules_version=1)


@pytest.fixture
async def hidden(app: FastAPI, client: httpx.AsyncClient, worker: Worker) -> httpx.AsyncClient:
    await rank(worker)
    await hide(app)
    return client


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
async def test_others_see_a_private_users_place_without_the_name(
    hidden: httpx.AsyncClient, reader: dict[str, str]
) -> None:
    page = (await hidden.get("/v1/leaderboards/xp", headers=reader)).json()
    assert page["total"] == 3
    assert [(row["rank"], row["user_id"], row["score"]) for row in page["rows"]] == [
        (1, "ada", 30), (2, None, 20), (3, "cyd", 10),
    ]  # fmt: skip
    assert {row["reached_at"] for row in page["rows"]} == {"1970-01-01T01:00:00Z"}
    around = (await hidden.get("/v1/leaderboards/xp/users/cyd", params={"neighbours": 2}, headers=reader)).json()
    assert [row["user_id"] for row in around["rows"]] == ["ada", None, "cyd"]
    assert PRIVATE not in orjson.dumps([page, around]).decode()


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
async def test_a_private_user_is_answered_as_an_unknown_one(hidden: httpx.AsyncClient, reader: dict[str, str]) -> None:
    for path in ("/v1/users/{}/progress", "/v1/leaderboards/xp/users/{}"):
        asked, unknown = [await hidden.get(path.format(user), headers=reader) for user in (PRIVATE, "zed")]
        said = [assert_problem(answer, 404, "not-found") | {"request_id": ""} for answer in (asked, unknown)]
        assert orjson.dumps(said[0]).decode() == orjson.dumps(said[1]).decode().replace("zed", PRIVATE)
        assert {*asked.headers} == {*unknown.headers}


@pytest.mark.parametrize("reader", KNOWING.values(), ids=KNOWING)
async def test_the_user_and_staff_see_the_name(hidden: httpx.AsyncClient, reader: dict[str, str]) -> None:
    page = (await hidden.get("/v1/leaderboards/xp", headers=reader)).json()
    assert [row["user_id"] for row in page["rows"]] == ["ada", PRIVATE, "cyd"]
    assert (await hidden.get(f"/v1/users/{PRIVATE}/progress", headers=reader)).json()["xp"] == 20
    assert (await hidden.get(f"/v1/leaderboards/xp/users/{PRIVATE}", headers=reader)).json()["rank"] == 2


async def test_a_key_without_the_scope_to_read_sees_what_the_public_sees(
    app: FastAPI, hidden: httpx.AsyncClient
) -> None:
    reading = await key_of(app, "reader", Role.SERVICE, Scope.PRICES_WRITE, Scope.READ_PRIVATE)
    others = [
        await key_of(app, "pricer", Role.SERVICE, Scope.PRICES_WRITE),
        await key_of(app, "mod", Role.MODERATOR, Scope.ACCOUNT),
        await key_of(app, PRIVATE, Role.USER, Scope.TRADE),
    ]
    for path in ("/v1/leaderboards/xp", f"/v1/users/{PRIVATE}/progress", "/v1/users/ada/progress"):
        public, more, *seen = [await hidden.get(path, headers=sent) for sent in ({}, reading, *others)]
        assert {answer.status_code for answer in seen} == {public.status_code}
        assert all(one.json() | {"request_id": ""} == public.json() | {"request_id": ""} for one in seen)
        assert (more.status_code, more.json() != public.json()) == (200, True)


async def test_a_private_user_sees_the_own_sub_accounts_on_public_routes(
    app: FastAPI, hidden: httpx.AsyncClient, worker: Worker
) -> None:
    child = await add_child(app, PRIVATE)
    await worker.rank(group("xp", "global", "all"), child, 40)
    await worker.put_user(GAMIFICATION_PROGRESS.name, child, Progress(xp=40, max_leverage=10, updated_at=40))
    for headers, shown in ((auth(PRIVATE), True), (auth("ada"), False), (STAFF, True), ({}, False)):
        page = (await hidden.get("/v1/leaderboards/xp", headers=headers)).json()
        assert (page["rows"][0]["user_id"] == child) is shown
        for path in (f"/v1/users/{child}/progress", f"/v1/leaderboards/xp/users/{child}"):
            assert (await hidden.get(path, headers=headers)).status_code == (200 if shown else 404)


async def test_only_the_owner_and_staff_see_exact_times(hidden: httpx.AsyncClient) -> None:
    shown = {
        name: (await hidden.get("/v1/users/ada/progress", headers=headers)).json()
        for name, headers in {"all": {}, "own": auth("ada"), "staff": STAFF}.items()
    }
    exact = "1970-01-01T00:00:00.00003Z"
    assert [shown[name]["updated_at"] for name in shown] == ["1970-01-01T00:00:00Z", exact, exact]
    assert [shown[name]["achievements"][0]["at"] for name in shown] == ["1970-01-01T00:00:00Z", exact, exact]


async def test_a_cursor_after_a_private_user_does_not_name_the_user(hidden: httpx.AsyncClient) -> None:
    page = (await hidden.get("/v1/leaderboards/xp", params={"limit": 2})).json()
    opened = SEALER.open("cursor", page["next_cursor"])
    assert PRIVATE in opened, "the cursor names the last user of the page, sealed"
    for forged in (page["next_cursor"][:-3] + "AAA", opened, page["next_cursor"][1:]):
        answer = await hidden.get("/v1/leaderboards/xp", params={"cursor": forged})
        assert_problem(answer, 400, "unknown-cursor")
    rest = (await hidden.get("/v1/leaderboards/xp", params={"cursor": page["next_cursor"]})).json()
    assert [row["user_id"] for row in rest["rows"]] == ["cyd"]


@pytest.fixture
async def feeds(served_app: FastAPI, server: httpx.AsyncClient, worker: Worker) -> httpx.AsyncClient:
    await rank(worker)
    await hide(served_app)
    return server


async def first(client: httpx.AsyncClient, feed: str, headers: dict[str, str], **options: Any) -> Reader:
    reader = Reader(client, f"/v1/feed/{feed}", {**options, "headers": headers}, key="user_id")
    await reader.read(lambda r: r.last_id is not None)
    return reader


async def test_feeds_name_a_private_user_to_the_user_and_staff_alone(feeds: httpx.AsyncClient, worker: Worker) -> None:
    await worker.emit(topics.GAMIFICATION_EVENTS, xp_gained(PRIVATE, 5), xp_gained("ada", 6))
    for headers in READERS.values():
        assert [row["user_id"] for row in (await first(feeds, "boards", headers, **BOARD)).received] == [
            "ada", None, "cyd",
        ]  # fmt: skip
        assert {row["user_id"] for row in (await first(feeds, "progress", headers)).received} == {"ada", "cyd"}
        earned = {row["user_id"]: row for row in (await first(feeds, "xp", headers)).received}
        assert (earned[None]["amount"], earned[None]["total_xp"]) == (5, None)
        assert earned["ada"]["total_xp"] == 999
    for headers in KNOWING.values():
        assert PRIVATE in (await first(feeds, "boards", headers, **BOARD)).table
        assert PRIVATE in (await first(feeds, "progress", headers)).table
        assert PRIVATE in (await first(feeds, "xp", headers)).table


async def test_a_feed_of_a_private_user_by_name_stays_empty(feeds: httpx.AsyncClient, worker: Worker) -> None:
    """An anonymous row in it would confirm whose row that is."""
    names = {"user": [PRIVATE, "ada"]}
    readers = [
        Reader(feeds, f"/v1/feed/{feed}", {**names, "headers": auth("cyd")}, key="user_id")
        for feed in ("xp", "progress")
    ]
    reading = [asyncio.create_task(reader.read(lambda r: "delta" in r.names)) for reader in readers]
    for reader in readers:
        await reader.current.wait()
    await worker.emit(topics.GAMIFICATION_EVENTS, xp_gained(PRIVATE, 5))
    await worker.put_user(GAMIFICATION_PROGRESS.name, PRIVATE, Progress(xp=21, max_leverage=10))
    await asyncio.sleep(0.2)
    await worker.emit(topics.GAMIFICATION_EVENTS, xp_gained("ada", 6))
    await worker.put_user(GAMIFICATION_PROGRESS.name, "ada", Progress(xp=31, max_leverage=10))
    await asyncio.gather(*reading)
    for reader in readers:
        assert {*reader.table} == {"ada"}
        assert reader.names.count("delta") == 1


async def test_feeds_name_sub_accounts_to_their_private_parent(
    feeds: httpx.AsyncClient, served_app: FastAPI, worker: Worker
) -> None:
    child = await add_child(served_app, PRIVATE)
    own, foreign = [
        [
            Reader(feeds, f"/v1/feed/{feed}", {**options, "headers": headers}, key="user_id")
            for feed, options in (("boards", BOARD), ("progress", {}), ("xp", {}))
        ]
        for headers in (auth(PRIVATE), auth("ada"))
    ]
    reading = [asyncio.create_task(reader.read(lambda r: "delta" in r.names)) for reader in (*own, *foreign)]
    for reader in (*own, *foreign):
        await reader.current.wait()
    await worker.rank(group("xp", "global", "all"), child, 40)
    await worker.emit(topics.GAMIFICATION_EVENTS, xp_gained(child, 5))
    await worker.put_user(GAMIFICATION_PROGRESS.name, child, Progress(xp=5, max_leverage=10))
    await worker.put_user(GAMIFICATION_PROGRESS.name, "cyd", Progress(xp=31, max_leverage=10))
    await asyncio.gather(*reading)
    assert [child in reader.table for reader in (*own, *foreign)] == [True] * 3 + [False] * 3


async def test_deltas_hide_and_show_as_the_snapshot_does(feeds: httpx.AsyncClient, worker: Worker) -> None:
    readers = {
        name: Reader(feeds, "/v1/feed/boards", {**BOARD, "headers": headers}, key="rank")
        for name, headers in (READERS | KNOWING).items()
    }
    reading = [asyncio.create_task(reader.read(lambda r: "delta" in r.names)) for reader in readers.values()]
    for reader in readers.values():
        await reader.current.wait()
    await worker.rank(group("xp", "global", "all"), PRIVATE, 40)
    await asyncio.gather(*reading)
    for name, reader in readers.items():
        shown = {row["rank"]: row["user_id"] for row in reader.table.values()}
        assert shown == {1: PRIVATE if name in KNOWING else None, 2: "ada", 3: "cyd"}


# --- the setting ------------------------------------------------------------------------------------------------------


async def test_a_user_becomes_private_and_public_again(app: FastAPI, client: httpx.AsyncClient, worker: Worker) -> None:
    await rank(worker)
    async with app.state.api.store.work(now()) as work:
        await accounts.create_account(work, username="Ada", account_id="ada")
    for wanted in (True, True, False):
        answer = await client.put("/v1/account/privacy", json={"private": wanted}, headers=auth("ada"))
        assert answer.json() == {"private": wanted}
        assert (await client.get("/v1/account/privacy", headers=auth("ada"))).json() == {"private": wanted}
        page = (await client.get("/v1/leaderboards/xp")).json()
        assert (page["rows"][0]["user_id"] is None) == wanted
    async with app.state.api.store.read() as connection:
        entries = [
            entry for entry in await audit.entries(connection, last=100) if entry.action == "account.privacy-changed"
        ]
    assert [entry.detail["private"] for entry in entries] == [True, False]


async def test_a_setting_without_an_account_or_sense_is_refused(client: httpx.AsyncClient, worker: Worker) -> None:
    answer = await client.put("/v1/account/privacy", json={"private": True}, headers=auth("nobody"))
    assert_problem(answer, 404, "not-found")
    bodies: list[Any] = [{}, {"private": "yes"}, {"private": True, "user_id": "ada"}, []]
    for body in bodies:
        answer = await client.put("/v1/account/privacy", json=body, headers=auth("nobody"))
        assert_problem(answer, 422, "validation")


async def first_name(client: httpx.AsyncClient) -> str | None:
    page = (await client.get("/v1/leaderboards/xp")).json()
    return page["rows"][0]["user_id"]  # type: ignore[no-any-return]


async def test_another_process_follows_within_two_seconds(
    app: FastAPI, client: httpx.AsyncClient, worker: Worker, config: ApiConfig
) -> None:
    await rank(worker)
    async with app.state.api.store.work(now()) as work:
        await accounts.create_account(work, username="Ada", account_id="ada")
    other = create_app(config)
    async with serving(other) as (url, _), httpx.AsyncClient(base_url=url) as elsewhere:
        await client.put("/v1/account/privacy", json={"private": True}, headers=auth("ada"))
        async with asyncio.timeout(2):
            while await first_name(elsewhere) is not None:
                pass


# --- the set of private users ---------------------------------------------------------------------------------------


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> Instant:
        return self.now


async def test_a_change_that_commits_late_is_seen(store: IdentityStore) -> None:
    """A slow transaction notes a time before polls that could not see it."""
    clock = Clock()
    private = PrivateUsers(store, clock)
    async with store.work(NOW) as work:
        await accounts.create_account(work, username="ada", account_id="ada")
    await private.refresh()
    clock.now = Instant(NOW + LATE_COMMIT_US // 2)
    await private.refresh()
    async with store.work(NOW) as work:
        await account_changes.set_private(work, "ada", True, actor="ada")
    assert work.emitted[0].data == ProfileChanged(user_id="ada", private=True, username="ada")
    await private.refresh()
    assert "ada" in private
    before = private.version
    await private.refresh()
    assert private.version == before


class Overtaken(IdentityStore):
    """A store in which something else happens after each read, before its reader goes on."""

    def __init__(self, url: str, meanwhile: Callable[[], None]) -> None:
        super().__init__(url)
        self._meanwhile = meanwhile

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        async with super().read() as connection:
            yield connection
        self._meanwhile()


async def test_a_poll_that_read_before_a_change_does_not_undo_it(store: IdentityStore) -> None:
    async with store.work(NOW) as work:
        await accounts.create_account(work, username="ada", account_id="ada")
    private: PrivateUsers
    overtaken = Overtaken(store.url, lambda: private.note("ada", is_private=True))
    private = PrivateUsers(overtaken, Clock())
    await private.refresh()
    await private.refresh()
    assert "ada" in private
    await overtaken.close()


async def test_a_process_that_was_blind_for_long_misses_nothing(store: IdentityStore) -> None:
    clock = Clock()
    private = PrivateUsers(store, clock)
    await private.refresh()
    async with store.work(Instant(NOW + 1)) as work:
        await accounts.create_account(work, username="ada", account_id="ada")
        await account_changes.set_private(work, "ada", True, actor="ada")
    clock.now = Instant(NOW + 100 * LATE_COMMIT_US)
    await private.refresh()
    assert "ada" in private


async def test_a_process_starts_with_all_private_users(store: IdentityStore) -> None:
    async with store.work(NOW) as work:
        for name in ("ada", "bob"):
            await accounts.create_account(work, username=name, account_id=name)
        await account_changes.set_private(work, "bob", True, actor="bob")
    clock = Clock()
    clock.now = Instant(NOW + 100 * LATE_COMMIT_US)
    private = PrivateUsers(store, clock)
    await private.refresh()
    assert ("ada" in private, "bob" in private, len(private)) == (False, True, 1)


def test_the_ids_of_100_000_private_users_take_a_few_megabytes() -> None:
    private = PrivateUsers(None, Clock())  # type: ignore[arg-type]
    for n in range(100_000):
        private.note(new_id(Instant(NOW + n)), is_private=True)
    assert len(private) == 100_000
    taken = sys.getsizeof(private._ids) + sum(sys.getsizeof(user_id) for user_id in private._ids)
    assert taken < 14_000_000
