"""Gamification in the API: game profiles, leaderboards, and what users earn."""

from __future__ import annotations

from typing import Final

from api.gamification import boards, earnings, progress, proofs
from api.gamification.seals import Seals
from api.kit.domain import DomainApi

API: Final = DomainApi(
    title="Gamification",
    description="Progress of users, rankings by period and market, and what users earn.",
    routers=(progress.router, progress.feeds, boards.router, boards.feeds, proofs.router, earnings.router),
    feeds=(progress.PROGRESS_FEED, boards.BOARDS_FEED, earnings.XP_FEED),
    parts=(Seals, proofs.Proofs),
)
