"""Gamification in the API: game profiles, leaderboards, and what users earn."""

from __future__ import annotations

from typing import Final

from api.auth import Role
from api.gamification import boards, constellations, earnings, progress, proofs, rewards
from api.gamification.seals import Seals
from api.kit.domain import DomainApi
from api.permissions import Scope, only
from streams.events.gamification import ClaimReward

API: Final = DomainApi(
    title="Gamification",
    description="Progress of users, rankings by period and market, and what users earn.",
    routers=(
        *progress.PROGRESS_ROWS.routers,
        boards.router,
        constellations.router,
        boards.feeds,
        proofs.router,
        earnings.router,
        rewards.router,
        *rewards.OWN_REWARDS.routers,
        rewards.MY_REWARDS.router,
    ),
    feeds=(
        progress.PROGRESS_ROWS.feed,
        boards.BOARDS_FEED,
        earnings.XP_FEED,
        rewards.OWN_REWARDS.feed,
        rewards.MY_REWARDS.feed,
    ),
    commands={ClaimReward: rewards.ACCEPTED},
    permissions={
        ("POST", "/v1/rewards/claims"): only(Role.USER, Scope.TRADE),
        **rewards.MY_REWARDS.permissions,
        **progress.PROGRESS_ROWS.permissions,
        **rewards.OWN_REWARDS.permissions,
    },
    parts=(Seals, proofs.Proofs),
)
