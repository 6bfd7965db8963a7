"""Constellations and battles in the API: commands, public reads without names of private users, ranks and feeds."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import msgspec
import pytest
from fastapi import FastAPI
from faust_redis.log import Log
from msgspec.structs import replace

from api.auth import Role
from streams import topics
from streams.events.battles import AcceptBattle, ChallengeBattle, DeclineBattle, WithdrawChallenge
from streams.events.constellations import (
    ChangeMemberRole,
    ConstellationRole,
    ContributeShards,
    CreateConstellation,
    DissolveConstellation,
    JoinConstellation,
    LeaveConstellation,
    LiftBan,
    RemoveMember,
)
from streams.times import Instant
from streams.units import Usd
from tables.boards import CONSTELLATIONS, Standing, group
from tables.social_constellations import (
    RATING_NAME,
    SOCIAL_BATTLE_POINTS,
    SOCIAL_BATTLES,
    SOCIAL_CONSTELLATIONS,
    SOCIAL_MEMBERSHIPS,
    SOCIAL_RATINGS,
    SOCIAL_ROSTERS,
    Battle,
    BattlePoints,
    Constellation,
    Member,
    Membership,
    Roster,
    Side,
    rating_key,
)
from tests.integration.api.sse import Reader
from tests.integration.api.support import Worker, auth
from tests.integration.api.test_ingress import assert_problem, written
from tests.integration.api.test_privacy import hide

pytestmark = pytest.mark.usefixtures("worker")

ADA = auth("ada")
NOON = int(Instant.parse("2026-01-05T12:00:00Z"))


def constellation(name: str, rating: int = 1000, **fields: Any) -> Constellation:
    return Constellation(name=name, rating=rating, owner="ada", members=1, members_max=50, created_at=NOON, **fields)


async def plant(worker: Worker, constellation_id: str, row: Constellation, reached_at: int = NOON) -> None:
    await worker.put_user(SOCIAL_CONSTELLATIONS.name, constellation_id, row)
    ranked = msgspec.msgpack.encode({RATING_NAME: Standing(row.rating, reached_at).ranked})
    partition = worker.partition(constellation_id)
    await worker.put(SOCIAL_RATINGS.name, rating_key(constellation_id), ranked, partition=partition)


def battle(score: str = "0") -> Battle:
    return Battle(
        state="running",
        kind="trading_duel",
        hours=24,
        user_id="ada",
        challenger=Side(constellation_id="north", members=2, score=Usd.parse(score)),
        defender=Side(constellation_id="south", members=3),
        proposed_at=NOON,
        starts_at=NOON,
        ends_at=NOON + 1,
    )


# --- commands ---------------------------------------------------------------------------------------------------------


async def test_each_command_is_keyed_by_the_caller(client: httpx.AsyncClient, log: Log) -> None:
    founded = await client.post("/v1/constellations", json={"name": "Lights", "members_max": 20}, headers=ADA)
    challenged = await client.post(
        "/v1/battles", json={"opponent": "south", "kind": "cosmic_conquest", "hours": 2}, headers=ADA
    )
    own = "/v1/constellation"
    for method, path, body in (
        ("POST", "/v1/constellations/north/join", None),
        ("POST", f"{own}/leave", None),
        ("DELETE", own, None),
        ("PUT", f"{own}/members/bob/role", {"role": "admin"}),
        ("POST", f"{own}/members/bob/remove", {"ban": True}),
        ("POST", f"{own}/contributions", {"amount": 70}),
        ("POST", "/v1/battles/b-1/accept", None),
        ("POST", "/v1/battles/b-1/decline", None),
        ("POST", "/v1/battles/b-1/withdraw", None),
        ("DELETE", f"{own}/bans/bob", None),
    ):
        answer = await client.request(method, path, json=body, headers=ADA)
        assert answer.status_code == 202, answer.text
    events = await written(log, topics.SOCIAL_COMMANDS)
    assert {one.partitionkey for one in events} == {"ada"}
    assert [one.data for one in events] == [
        CreateConstellation(constellation_id=founded.json()["constellation_id"], name="Lights", members_max=20),
        ChallengeBattle(battle_id=challenged.json()["battle_id"], opponent="south", kind="cosmic_conquest", hours=2),
        JoinConstellation(constellation_id="north"),
        LeaveConstellation(),
        DissolveConstellation(),
        ChangeMemberRole(member="bob", role="admin"),
        RemoveMember(member="bob", ban=True),
        ContributeShards(amount=70),
        AcceptBattle(battle_id="b-1"),
        DeclineBattle(battle_id="b-1"),
        WithdrawChallenge(battle_id="b-1"),
        LiftBan(member="bob"),
    ]


async def test_a_repeated_foundation_gets_the_same_id(client: httpx.AsyncClient, log: Log) -> None:
    keyed = {**ADA, "Idempotency-Key": "k-1"}
    answers = [await client.post("/v1/constellations", json={"name": "Lights"}, headers=keyed) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    assert len(await written(log, topics.SOCIAL_COMMANDS)) == 1


WRONG: tuple[tuple[str, str, Any], ...] = (
    ("POST", "/v1/constellations", {}),
    ("POST", "/v1/constellations", {"name": "ab"}),
    ("POST", "/v1/constellations", {"name": "x" * 41}),
    ("POST", "/v1/constellations", {"name": " padded "}),
    ("POST", "/v1/constellations", {"name": "a\nb c"}),
    ("POST", "/v1/constellations", {"name": "Lights", "members_max": 4}),
    ("POST", "/v1/constellations", {"name": "Lights", "members_max": 201}),
    ("POST", "/v1/constellations", {"name": "Lights", "members_max": "20"}),
    ("POST", "/v1/constellations", {"name": "Lights", "owner": "eve"}),
    ("POST", "/v1/constellations/no%20id/join", None),
    ("PUT", "/v1/constellation/members/bob/role", {"role": "owner"}),
    ("PUT", "/v1/constellation/members/no%20id/role", {"role": "admin"}),
    ("POST", "/v1/constellation/members/bob/remove", {"ban": "perhaps"}),
    ("POST", "/v1/constellation/contributions", {"amount": 0}),
    ("POST", "/v1/constellation/contributions", {"amount": "5"}),
    ("POST", "/v1/constellation/contributions", {"amount": 10**12 + 1}),
    ("POST", "/v1/battles", {"opponent": "south", "kind": "war"}),
    ("POST", "/v1/battles", {"opponent": "no id", "kind": "trading_duel"}),
    ("POST", "/v1/battles/no%20id/accept", None),
)


async def test_a_wrong_field_is_refused_and_nothing_is_written(client: httpx.AsyncClient, log: Log) -> None:
    for method, path, body in WRONG:
        assert_problem(await client.request(method, path, json=body, headers=ADA), 422, "validation")
    assert await written(log, topics.SOCIAL_COMMANDS) == []


@pytest.mark.parametrize(("hours", "status"), [(0, 422), (1, 202), (168, 202), (169, 422)])
async def test_a_battle_lasts_from_1_to_168_hours(client: httpx.AsyncClient, hours: int, status: int) -> None:
    body = {"opponent": "south", "kind": "trading_duel", "hours": hours}
    assert (await client.post("/v1/battles", json=body, headers=ADA)).status_code == status


# --- reads ------------------------------------------------------------------------------------------------------------


async def test_constellations_are_listed_by_battle_rating(client: httpx.AsyncClient, worker: Worker) -> None:
    for constellation_id, rating in (("north", 1020), ("south", 990), ("west", 1020)):
        await plant(worker, constellation_id, constellation(constellation_id.title(), rating))
    first = (await client.get("/v1/constellations", params={"limit": 2})).json()
    assert [(one["rank"], one["constellation_id"], one["rating"]) for one in first["constellations"]] == [
        (1, "north", 1020),
        (2, "west", 1020),
    ]
    assert first["total"] == 3
    assert first["constellations"][0]["constellation"]["name"] == "North"
    rest = (await client.get("/v1/constellations", params={"cursor": first["next_cursor"]})).json()
    assert [one["constellation_id"] for one in rest["constellations"]] == ["south"]
    assert rest["next_cursor"] is None
    place = (await client.get("/v1/constellations/west/rank", params={"neighbours": 1})).json()
    assert (place["rank"], place["around"]) == (2, [[1, "north", 1020], [2, "west", 1020], [3, "south", 990]])
    assert_problem(await client.get("/v1/constellations", params={"cursor": "x"}), 400, "unknown-cursor")
    assert_problem(await client.get("/v1/constellations/east/rank"), 404, "not-found")


async def test_a_constellation_names_no_user(client: httpx.AsyncClient, worker: Worker) -> None:
    await plant(worker, "north", constellation("North", battles=("b-1", "b-2")))
    await plant(worker, "gone", constellation("Gone", dissolved_at=NOON))
    await worker.put_user(SOCIAL_BATTLES.name, "b-1", battle("12.50"))
    row = (await client.get("/v1/constellations/north")).json()
    listed = (await client.get("/v1/constellations/north/battles")).json()
    assert row["name"] == "North"
    assert [(one["battle_id"], one["challenger"]["score"]) for one in listed["battles"]] == [("b-1", "12.50")]
    assert "ada" not in str(row) + str(listed)
    assert_problem(await client.get("/v1/constellations/gone"), 404, "not-found")
    assert_problem(await client.get("/v1/battles/b-9"), 404, "not-found")


async def test_members_who_are_private_have_no_id_for_others(
    client: httpx.AsyncClient, app: FastAPI, worker: Worker
) -> None:
    listed = [Member(user_id=one, role="recruit", request_id=one, joined_at=NOON) for one in ("ada", "bob")]
    await worker.put_user(SOCIAL_ROSTERS.name, "north", Roster(members=tuple(listed), banned=("eve",)))
    await hide(app, "bob")
    path = "/v1/constellations/north/members"
    assert [one["user_id"] for one in (await client.get(path)).json()["members"]] == ["ada", None]
    own = await client.get(path, headers=auth("bob"))
    assert [one["user_id"] for one in own.json()["members"]] == ["ada", "bob"]
    assert "eve" not in own.text


async def test_the_time_at_which_a_member_joined_is_exact_for_staff_only(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    member = Member(user_id="ada", role="owner", request_id="r", joined_at=NOON + 90_000_001)
    await worker.put_user(SOCIAL_ROSTERS.name, "north", Roster(members=(member,)))
    for headers, joined_at in (
        ({}, "2026-01-05T12:00:00Z"),
        (ADA, "2026-01-05T12:00:00Z"),
        (auth("mod", Role.MODERATOR), "2026-01-05T12:01:30.000001Z"),
    ):
        [shown] = (await client.get("/v1/constellations/north/members", headers=headers)).json()["members"]
        assert shown["joined_at"] == joined_at


async def test_the_times_of_a_constellation_do_not_tell_exactly_when_its_founder_joined(
    server: httpx.AsyncClient, worker: Worker
) -> None:
    founded = NOON + 90_000_001
    await plant(worker, "north", replace(constellation("North"), created_at=founded), founded)
    await worker.rank(group("xp", CONSTELLATIONS, "all"), "north", 20, founded)
    feed = Reader(server, "/v1/feed/constellations", {"constellation": "north"}, key="constellation_id")
    await feed.read(lambda reader: "north" in reader.table)
    [listed] = (await server.get("/v1/constellations")).json()["constellations"]
    [by_xp] = (await server.get("/v1/leaderboards/xp/constellations")).json()["rows"]
    times = {
        (await server.get("/v1/constellations/north")).json()["created_at"],
        feed.table["north"]["created_at"],
        listed["constellation"]["created_at"],
        listed["reached_at"],
        by_xp["reached_at"],
    }
    assert times == {"2026-01-05T12:00:00Z"}


async def test_a_membership_is_shown_to_its_user(client: httpx.AsyncClient, worker: Worker) -> None:
    slot = Membership(
        state="member", constellation_id="north", request_id="r", name="North", purpose="join", since=NOON
    )
    await worker.put_user(SOCIAL_MEMBERSHIPS.name, "ada", slot)
    own = (await client.get("/v1/users/ada/membership", headers=ADA)).json()
    assert (own["state"], own["constellation_id"], own["role"]) == ("member", "north", "recruit")
    assert_problem(await client.get("/v1/users/ada/membership", headers=auth("eve")), 403, "forbidden")
    assert_problem(await client.get("/v1/users/ada/membership"), 401, "unauthenticated")


async def test_the_owner_and_admins_see_whom_a_constellation_has_banned(
    client: httpx.AsyncClient, app: FastAPI, worker: Worker
) -> None:
    roles: tuple[tuple[str, ConstellationRole], ...] = (("ada", "owner"), ("bob", "admin"), ("cyd", "member"))
    listed = tuple(Member(user_id=user, role=role, request_id="r", joined_at=NOON) for user, role in roles)
    await worker.put_user(SOCIAL_ROSTERS.name, "north", Roster(members=listed, banned=("eve", "mallory")))
    for user in ("ada", "bob", "cyd", "gone"):
        slot = Membership(state="member", constellation_id="north", request_id="r", purpose="join", since=NOON)
        await worker.put_user(SOCIAL_MEMBERSHIPS.name, user, slot)
    await hide(app, "eve")
    path = "/v1/constellation/bans"
    for user in ("ada", "bob"):
        answer = (await client.get(path, headers=auth(user))).json()
        assert answer.pop("position")
        assert answer == {"constellation_id": "north", "banned": ["eve", "mallory"]}
    for user in ("cyd", "gone"):
        assert_problem(await client.get(path, headers=auth(user)), 403, "forbidden")
    assert_problem(await client.get(path, headers=auth("eve")), 404, "not-found")
    assert_problem(await client.get(path), 401, "unauthenticated")


async def test_a_user_alone_reads_the_own_part_in_a_battle(client: httpx.AsyncClient, worker: Worker) -> None:
    points = BattlePoints(side="defender", pnl=Usd.parse("12.50"), closes=2, wins=1, trades=3, final=True, prize=80)
    await worker.put(SOCIAL_BATTLE_POINTS.name, "b-1|ada", points, partition=worker.partition("b-1"))
    part = (await client.get("/v1/users/ada/battles/b-1", headers=ADA)).json()
    assert part.pop("position")
    assert part == {
        "battle_id": "b-1",
        "user_id": "ada",
        "side": "defender",
        "pnl_usd": "12.50",
        "closes": 2,
        "wins": 1,
        "trades": 3,
        "final": True,
        "prize": 80,
    }
    assert_problem(await client.get("/v1/users/ada/battles/b-2", headers=ADA), 404, "not-found")
    assert (await client.get("/v1/users/ada/battles/b-1", headers=auth("bob"))).status_code == 403
    assert (await client.get("/v1/users/ada/battles/b-1")).status_code == 401


async def test_a_user_alone_follows_the_own_part_in_battles(server: httpx.AsyncClient, worker: Worker) -> None:
    async def report(battle_id: str, user: str, trades: int) -> None:
        points = BattlePoints(side="defender", trades=trades)
        partition = worker.partition(battle_id)
        await worker.put(SOCIAL_BATTLE_POINTS.name, f"{battle_id}|{user}", points, partition=partition)

    await report("b-1", "ada", 1)
    await report("b-1", "bob", 7)
    path, options = "/v1/feed/battle-points", {"battle": ["b-1", "b-2"], "headers": ADA}
    feed = Reader(server, path, options, key="battle_id")
    following = asyncio.create_task(feed.read(lambda reader: len(reader.received) == 3))
    await feed.current.wait()
    for battle_id, user, trades in (("b-1", "bob", 8), ("b-3", "ada", 9), ("b-2", "ada", 2), ("b-1", "ada", 3)):
        await report(battle_id, user, trades)
    await following
    assert {row["user_id"] for row in feed.received} == {"ada"}
    assert {battle_id: row["trades"] for battle_id, row in feed.table.items()} == {"b-1": 3, "b-2": 2}
    assert_problem(await server.get(path, params={"battle": "b-1"}), 401, "unauthenticated")
    assert_problem(await server.get(path, headers=ADA), 422, "validation")


async def test_a_battle_is_followed_with_its_live_scores(server: httpx.AsyncClient, worker: Worker) -> None:
    await worker.put_user(SOCIAL_BATTLES.name, "b-1", battle())
    await worker.put_user(SOCIAL_BATTLES.name, "b-2", battle())
    feed = Reader(server, "/v1/feed/battles", {"battle": "b-1"}, key="battle_id")
    following = asyncio.create_task(feed.read(lambda reader: _score(reader) == "7.00"))
    await feed.current.wait()
    assert _score(feed) == "0.00"
    await worker.put_user(SOCIAL_BATTLES.name, "b-1", battle("7.00"))
    await following
    assert set(feed.table) == {"b-1"}


def _score(feed: Reader) -> str:
    return str(feed.table["b-1"]["challenger"]["score"]) if "b-1" in feed.table else ""


async def test_the_members_of_a_constellation_are_ranked_among_themselves(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    members = tuple(
        Member(user_id=user, role="member", request_id="r", joined_at=NOON) for user in ("ada", "bob", "cyd", "dan")
    )
    await worker.put_user(SOCIAL_ROSTERS.name, "north", Roster(members=members))
    week = group("xp", "global", "week:2026-W02")
    for user, score in (("ada", 5), ("bob", 9), ("cyd", 5), ("stranger", 100)):
        await worker.rank(week, user, score, {"cyd": NOON, "ada": NOON + 1}.get(user, NOON))
    path, parameters = "/v1/leaderboards/xp/members/north", {"period": "week:2026-W02"}
    board = (await client.get(path, params=parameters)).json()
    assert (board["constellation_id"], board["total"]) == ("north", 3)
    assert [(row["rank"], row["user_id"], row["score"]) for row in board["rows"]] == [
        (1, "bob", 9),
        (2, "cyd", 5),
        (3, "ada", 5),
    ]
    own = (await client.get(f"{path}/users/cyd", params={**parameters, "neighbours": 1})).json()
    assert (own["rank"], [row["user_id"] for row in own["rows"]]) == (2, ["bob", "cyd", "ada"])
    assert (await client.get(f"{path}/users/cyd", params=parameters)).json()["rows"] == [board["rows"][1]]
    assert len((await client.get(path, params={**parameters, "limit": 2})).json()["rows"]) == 2
    for missing in (f"{path}/users/dan", f"{path}/users/stranger", "/v1/leaderboards/xp/members/nowhere"):
        assert_problem(await client.get(missing, params=parameters), 404, "not-found")


async def test_constellations_are_ranked_by_the_xp_of_their_members(client: httpx.AsyncClient, worker: Worker) -> None:
    week = group("xp", "constellations", "week:2026-W02")
    for constellation_id, score, at in (("north", 50, 2), ("south", 70, 1), ("east", 50, 1)):
        await worker.rank(week, constellation_id, score, NOON + at)
    path, parameters = "/v1/leaderboards/xp/constellations", {"period": "week:2026-W02"}
    first = (await client.get(path, params={**parameters, "limit": 2})).json()
    rows = [(row["rank"], row["constellation_id"], row["score"]) for row in first["rows"]]
    assert (first["total"], first["sealed"], rows) == (3, False, [(1, "south", 70), (2, "east", 50)])
    rest = (await client.get(path, params={**parameters, "limit": 2, "cursor": first["next_cursor"]})).json()
    assert [row["constellation_id"] for row in rest["rows"]] == ["north"]
    own = (await client.get(f"{path}/east", params={**parameters, "neighbours": 1})).json()
    assert (own["rank"], own["score"], [row["rank"] for row in own["rows"]]) == (2, 50, [1, 2, 3])
    assert_problem(await client.get(f"{path}/west", params=parameters), 404, "not-found")
    assert_problem(await client.get(path, params={"period": "week:x"}), 422, "validation")


async def test_the_top_of_the_constellations_by_xp_is_followed(server: httpx.AsyncClient, worker: Worker) -> None:
    ranking = group("xp", "constellations", "all")
    await worker.rank(ranking, "north", 50, NOON)
    await worker.rank(group("xp", "global", "all"), "ada", 99, NOON)
    feed = Reader(server, "/v1/feed/boards", {"board": "xp", "constellations": True}, key="constellation_id")
    following = asyncio.create_task(feed.read(lambda reader: set(reader.table) == {"north", "south"}))
    await feed.current.wait()
    assert [(row["constellation_id"], row["score"]) for row in feed.table.values()] == [("north", 50)]
    await worker.rank(ranking, "south", 70, NOON)
    await following
    assert {row["constellation_id"]: row["rank"] for row in feed.table.values()} == {"south": 1, "north": 2}
    wrong = await server.get("/v1/feed/boards", params={"board": "volume", "constellations": True})
    assert "ranked by xp" in assert_problem(wrong, 422, "validation")["detail"]
