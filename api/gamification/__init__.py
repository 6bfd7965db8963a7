"""Gamification in the API: game profiles, leaderboards, and what users earn."""

from __future__ import annotations

from typing import Final

from api.auth import Role
from api.gamification import boards, constellations, days, earnings, hours, progress, proofs, rewards, sealed_periods
from api.gamification.seals import Seals
from api.kit.domain import DomainApi
from api.permissions import OWN, OWNED, PUBLIC, Scope, only
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
        sealed_periods.router,
        earnings.router,
        hours.router,
        hours.feeds,
        days.router,
        days.feeds,
        rewards.router,
        *rewards.OWN_REWARDS.routers,
        rewards.MY_REWARDS.router,
    ),
    feeds=(
        progress.PROGRESS_ROWS.feed,
        boards.BOARDS_FEED,
        earnings.XP_FEED,
        hours.HOURS_FEED,
        days.DAYS_FEED,
        rewards.OWN_REWARDS.feed,
        rewards.MY_REWARDS.feed,
    ),
    commands={ClaimReward: rewards.ACCEPTED},
    permissions={
        ("POST", "/v1/rewards/claims"): only(Role.USER, Scope.TRADE),
        ("GET", "/v1/stats/hours"): PUBLIC,
        ("GET", "/v1/leaderboards/{board}/sealed"): PUBLIC,
        ("GET", "/v1/feed/hours"): PUBLIC,
        ("GET", "/v1/users/{user_id}/days"): OWNED,
        ("GET", "/v1/feed/days"): OWN,
        **rewards.MY_REWARDS.permissions,
        **progress.PROGRESS_ROWS.permissions,
        **rewards.OWN_REWARDS.permissions,
    },
    parts=(Seals, proofs.Proofs),
)
