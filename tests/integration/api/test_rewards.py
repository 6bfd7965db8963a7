"""Rewards in the API: a user claims one, and reads the own ones."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from faust_redis.log import Log, TopicPartition

from streams import topics
from streams.events import decode
from streams.events.gamification import ClaimRejected, ClaimReward, RewardClaimed
from tables.gamification import GAMIFICATION_REWARDS, Reward, Rewards
from tests.integration.api.sse import Reader
from tests.integration.api.support import Worker, auth
from tests.integration.api.test_ingress import assert_problem
from tests.integration.api.test_social import event

REWARD_ID = "global:xp:week:2024-W38"
REWARD = Reward(
    reward_id=REWARD_ID,
    board="xp",
    period="week:2024-W38",
    rank=1,
    ss=1_000,
    granted_at=1_000_000,
    expires_at=2_000_000,
)


async def test_a_claim_is_appended_under_the_caller(client: httpx.AsyncClient, worker: Worker, log: Log) -> None:
    headers = auth("ada") | {"Idempotency-Key": "claim-1"}
    for _ in range(2):
        answer = await client.post("/v1/rewards/claims", json={"reward_id": REWARD_ID}, headers=headers)
        assert answer.status_code == 202
    place = TopicPartition(topics.GAMIFICATION_COMMANDS, worker.partition("ada"))
    [record] = (await log.fetch({place: 0}))[place]
    event = decode(record.value)
    assert (event.data, event.partitionkey) == (ClaimReward(reward_id=REWARD_ID), "ada")


@pytest.mark.parametrize(
    "body", [{}, {"reward_id": ""}, {"reward_id": 7}, {"reward_id": "x y"}, {"reward_id": "x", "ss": 1}]
)
async def test_a_wrong_claim_is_refused(client: httpx.AsyncClient, worker: Worker, body: dict[str, Any]) -> None:
    assert_problem(await client.post("/v1/rewards/claims", json=body, headers=auth("ada")), 422, "validation")


async def test_rewards_are_for_their_user(client: httpx.AsyncClient, worker: Worker) -> None:
    await worker.put_user(GAMIFICATION_REWARDS.name, "ada", Rewards(rewards=(REWARD,)))
    answer = (await client.get("/v1/users/ada/rewards", headers=auth("ada"))).json()
    assert [(one["reward_id"], one["ss"], one["state"]) for one in answer["rewards"]] == [(REWARD_ID, 1_000, "granted")]
    assert (await client.get("/v1/users/ada/rewards", headers=auth("bob"))).status_code == 403
    assert (await client.post("/v1/rewards/claims", json={"reward_id": REWARD_ID})).status_code == 401


async def test_a_user_hears_of_a_rejected_claim_on_a_feed_of_their_own(
    server: httpx.AsyncClient, worker: Worker
) -> None:
    rejected = ClaimRejected(reward_id=REWARD_ID, reason="expired")
    await worker.emit(topics.GAMIFICATION_EVENTS, event(rejected, "ada"), event(rejected, "bob"))
    await worker.emit(topics.GAMIFICATION_EVENTS, event(RewardClaimed(reward_id="other", ss=5), "ada", 1))
    feed = Reader(server, "/v1/feed/my-rewards", {"headers": auth("ada")}, key="event_id")
    await feed.read(lambda reader: reader.last_id is not None)
    assert [(row["type"], row["reward_id"]) for row in feed.received] == [
        ("ClaimRejected", REWARD_ID),
        ("RewardClaimed", "other"),
    ]
    assert feed.received[0]["reason"] == "expired"
