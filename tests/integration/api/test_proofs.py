"""Proofs of ranks on sealed boards: for the user and staff, once all partitions have sealed, and checked offline."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from api.auth import Role
from deploy.cli.commands.boards import boards
from deploy.errors import DeployError
from tables import merkle
from tables.boards import group, parse_period
from tables.gamification import (
    GAMIFICATION_REWARDS,
    GAMIFICATION_SEALING,
    GAMIFICATION_SEALS,
    SEALING_KEY,
    Reward,
    Rewards,
    SealedBefore,
    SealedPart,
    Sealing,
)
from tables.rank_proof import RankProof, verify
from tests.integration.api.support import PARTITIONS, Worker, auth
from tests.integration.api.test_ingress import assert_problem

DAY = "day:2024-09-20"
BOARD = group("xp", "global", DAY)
WEEK = "week:2024-W38"
PATH = "/v1/leaderboards/xp/users/{}/proof"
PARAMETERS = {"period": DAY}
USERS = [f"user-{number}" for number in range(12)]
"""In rank order. Each two have the same score."""


async def seal(
    worker: Worker, *, partitions: int = PARTITIONS, period: str = DAY, count: int = PARTITIONS
) -> dict[int, tuple[int, str]]:
    """Leave the rows that workers leave once they have sealed their parts; return rows and root of each part.

    Args:
        worker: Writes the rows.
        partitions: How many partitions have sealed.
        period: The period.
        count: How many partitions there were then; `PARTITIONS` is a multiple.
    """
    end, board = parse_period(period).end, group("xp", "global", period)
    assert end is not None
    for number, user in enumerate(USERS):
        await worker.rank(board, user, 100 - number // 2, number)
    before = () if count == PARTITIONS else (SealedBefore(partitions=count, sealed_to=end),)
    parts = {}
    for partition in range(partitions):
        own = [(number, user) for number, user in enumerate(USERS) if worker.partition(user) % count == partition]
        root = merkle.root([merkle.leaf(100 - number // 2, number, user) for number, user in own])
        if partition < count:
            parts[partition] = len(own), root
        if own:
            part = SealedPart(rows=len(own), root=root, sealed_at=end)
            await worker.put(GAMIFICATION_SEALS.name, board, part, partition=partition)
        state = Sealing(sealed_to=end, before=before)
        await worker.put(GAMIFICATION_SEALING.name, SEALING_KEY, state, partition=partition)
    return parts


async def test_each_user_gets_a_proof_of_the_own_rank_that_holds_offline(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    await seal(worker)
    digests = set()
    for rank, user in enumerate(USERS, start=1):
        answer = await client.get(PATH.format(user), params=PARAMETERS, headers=auth(user))
        proof = RankProof.model_validate_json(answer.content)
        assert (verify(proof), proof.user_id, proof.group) == (rank, user, BOARD)
        digests.add(proof.digest)
    assert len(digests) == 1


async def test_a_board_that_fewer_partitions_sealed_keeps_its_digest_and_its_proofs(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    assert PARTITIONS % 2 == 0
    digest = merkle.board_digest(BOARD, await seal(worker, count=PARTITIONS // 2))
    for rank, user in enumerate(USERS, start=1):
        answer = await client.get(PATH.format(user), params=PARAMETERS, headers=auth(user))
        proof = RankProof.model_validate_json(answer.content)
        assert (verify(proof), proof.digest, len(proof.parts)) == (rank, digest, PARTITIONS // 2)
    service = auth("indexer", Role.SERVICE)
    listed = await client.get("/v1/leaderboards/xp/sealed", params={"kind": "day", "limit": "1"}, headers=service)
    assert [one["digest"] for one in listed.json()["periods"]] == [digest]


async def test_a_board_that_a_partition_has_not_sealed_has_no_proofs(client: httpx.AsyncClient, worker: Worker) -> None:
    await seal(worker, partitions=PARTITIONS - 1)
    answer = await client.get(PATH.format("user-1"), params=PARAMETERS, headers=auth("user-1"))
    assert "not sealed" in assert_problem(answer, 404, "not-found")["detail"]
    answer = await client.get(PATH.format("user-1"), headers=auth("user-1"))
    assert "not sealed" in assert_problem(answer, 404, "not-found")["detail"]


async def test_a_proof_is_for_the_user_alone(client: httpx.AsyncClient, worker: Worker) -> None:
    await seal(worker)
    assert (await client.get(PATH.format("user-1"), params=PARAMETERS)).status_code == 401
    assert (await client.get(PATH.format("user-1"), params=PARAMETERS, headers=auth("user-2"))).status_code == 403
    service = auth("indexer", Role.SERVICE)
    assert (await client.get(PATH.format("user-1"), params=PARAMETERS, headers=service)).status_code == 200
    answer = await client.get(PATH.format("nobody"), params=PARAMETERS, headers=auth("nobody"))
    assert "not on this board" in assert_problem(answer, 404, "not-found")["detail"]


async def test_the_latest_sealed_periods_are_listed_with_their_digests(
    client: httpx.AsyncClient, worker: Worker
) -> None:
    path = "/v1/leaderboards/xp/sealed"
    assert (await client.get(path)).json() == {"board": "xp", "market": None, "sealed_to": None, "periods": []}
    await seal(worker, period=WEEK)
    await seal(worker)  # the week has not ended at the end of this day
    days = (await client.get(path, params={"kind": "day", "limit": "3"})).json()
    assert days["sealed_to"] == "2024-09-21T00:00:00Z"
    [day] = days["periods"]
    page = (await client.get("/v1/leaderboards/xp", params=PARAMETERS)).json()
    assert (day["period"], day["end"], day["users"]) == (DAY, "2024-09-21T00:00:00Z", len(USERS))
    assert day["digest"] == page["digest"]
    assert (await client.get(path, params={"kind": "week"})).json()["periods"] == []
    await seal(worker, period=WEEK)
    [week] = (await client.get(path)).json()["periods"]
    proof = await client.get(PATH.format("user-1"), params={"period": WEEK}, headers=auth("user-1"))
    service = (await client.get(path, headers=auth("indexer", Role.SERVICE))).json()
    assert service["periods"][0]["digest"] == proof.json()["digest"] != week["digest"]
    assert (await client.get(path, params={"kind": "day", "limit": "2"})).json()["periods"] == []


async def test_the_command_checks_a_proof_from_a_file(
    client: httpx.AsyncClient, worker: Worker, tmp_path: Path
) -> None:
    await seal(worker)
    answer = await client.get(PATH.format("user-4"), params=PARAMETERS, headers=auth("user-4"))
    file = tmp_path / "proof.json"
    file.write_bytes(answer.content)
    digest = answer.json()["digest"]
    options = ["--user", "user-4", "--proof", str(file), "--data-dir", str(tmp_path)]
    arguments = ["verify", "xp", DAY, *options]
    assert CliRunner().invoke(boards, [*arguments, "--digest", digest], catch_exceptions=False).output == (
        f"user-4 is rank 5 of 12 on {BOARD}; digest {digest}; no reward\n"
    )
    for wrong, message in (
        ([*arguments, "--digest", "0" * 64], "with the digest"),
        (["verify", "pnl", DAY, *options], "not for user-4 on global/day:2024-09-20/pnl"),
        (["verify", "xp", "day:x", *options], "expected a period"),
    ):
        with pytest.raises(DeployError, match=message):
            CliRunner().invoke(boards, wrong, catch_exceptions=False)
    file.write_text(answer.text.replace('"rank":5', '"rank":4'))
    with pytest.raises(DeployError, match="prove rank 5, and the proof says 4"):
        CliRunner().invoke(boards, arguments, catch_exceptions=False)


async def test_the_command_checks_the_reward_of_the_rank_by_the_rule_book(
    client: httpx.AsyncClient, worker: Worker, tmp_path: Path
) -> None:
    await seal(worker, period=WEEK)

    async def check(*rewards: Reward) -> str:
        await worker.put(
            GAMIFICATION_REWARDS.name, "user-4", Rewards(rewards=rewards), partition=worker.partition("user-4")
        )
        answer = await client.get(PATH.format("user-4"), params={"period": WEEK}, headers=auth("user-4"))
        file = tmp_path / "proof.json"
        file.write_bytes(answer.content)
        options = ["--user", "user-4", "--proof", str(file), "--data-dir", str(tmp_path)]
        output = CliRunner().invoke(boards, ["verify", "xp", WEEK, *options], catch_exceptions=False).output
        return output.rpartition("; ")[2].rstrip()

    assert await check() == "reward 200 SS, not granted yet"
    assert await check(reward(5, 200), reward(1, 9, "global:xp:week:2024-W37")) == "reward 200 SS, granted"
    for wrong, message in (
        (reward(5, 500), "earns 200 SS by the rule book, and 500 SS were granted for rank 5"),
        (reward(4, 200), "earns 200 SS by the rule book, and 200 SS were granted for rank 4"),
    ):
        with pytest.raises(DeployError, match=message):
            await check(wrong)


def reward(rank: int, ss: int, reward_id: str = "global:xp:week:2024-W38") -> Reward:
    return Reward(
        reward_id=reward_id, board="xp", period=reward_id.partition(":xp:")[2], rank=rank, ss=ss,
        granted_at=0, expires_at=1,
    )  # fmt: skip
