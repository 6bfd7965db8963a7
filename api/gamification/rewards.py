"""Rewards: the own rewards as a query and a feed, what happens to them as a feed, and the claim of one."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from api.kit.commands.admission import WhenDelayed
from api.kit.commands.answers import Accepted, accepted
from api.kit.commands.reading import CommandRoute, Reader
from api.kit.domain import AcceptedCommand
from api.kit.openapi import problems
from api.kit.own_events import OwnEvents
from api.kit.own_rows import OwnRows
from api.kit.projection import Projection
from streams.events.base import Name
from streams.events.gamification import ClaimRejected, ClaimReward, RewardClaimed, RewardExpired, RewardGranted
from tables.gamification import GAMIFICATION_REWARDS, Reward, Rewards

REWARD: Final = Projection(
    Reward, "Reward", "Stellar shards for a rank on a sealed board.", describe={"ss": "stellar shards"}
)
REWARDS: Final = Projection(Rewards, "Rewards", "All rewards of a user.", key={"user_id": str}, nested=(REWARD,))
OWN_REWARDS: Final = OwnRows(
    "rewards", GAMIFICATION_REWARDS, REWARDS, title="Rewards", doc="All rewards: granted, claimed and expired ones."
)
MY_REWARDS: Final = OwnEvents(
    "my-rewards",
    (RewardGranted, RewardClaimed, RewardExpired, ClaimRejected),
    title="What happens to your rewards",
    doc="Follow the caller's rewards as they are granted, claimed and expired, and rejected claims, each event once.",
)


class Claim(BaseModel):
    """The reward to claim."""

    model_config = ConfigDict(extra="forbid")

    reward_id: Name


ACCEPTED: Final = AcceptedCommand(Claim, WhenDelayed.ACCEPT)
read_claim = Reader(Claim)
router = APIRouter(prefix="/v1", responses=problems(400, 401, 403, 413, 415, 422, 503), route_class=CommandRoute)


@router.post(
    "/rewards/claims",
    status_code=202,
    summary="Claim a reward",
    response_model=Accepted,
    openapi_extra=read_claim.described({"of a week": {"reward_id": "global:xp:week:2024-W38"}}),
)
async def claim_reward(request: Request) -> Response:
    """Claim a reward of the caller. The feed `my-rewards` shows the outcome.

    A claim of an unknown, claimed or expired reward changes nothing.
    """
    claim = await read_claim(request)
    submission = await claim.begin(ClaimReward, "reward claim")
    command = submission.entry(ClaimReward(reward_id=claim.value.reward_id), submission.event_id())
    written = await claim.api.writer.write(ClaimReward, [command], submission)
    return accepted(claim.api, written, ClaimReward)
