"""The rule of each table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec.structs import replace

from tables import (
    financial,
    gamification,
    nft,
    social,
    social_constellations,
    social_people,
    trading,
    user,
)
from tables.first_places import FirstPlaces
from tables.resizing import game, owners
from tables.resizing.rules import Dropped, Empty, Owned, Reshaped, Rule, Stays, copied
from tables.watermark import Watermark


def uncounted(row: bytes) -> bytes:
    """Return a watermark of a partition that has counted no late event, so that the sums of all partitions stay."""
    return replace(Watermark.load(row), late=0, dropped={}).dump()


USER: Final = "move with the user"
CONSTELLATION: Final = "move with the constellation"
BATTLE: Final = "move with the battle"
NFT: Final = "move with the token"
PARTS: Final = "stay; readers add up the parts of all partitions"

_WATERMARK: Final = copied("each child gets a copy that has counted no late event", uncounted)
_AT_LEAST_ONCE: Final = Empty("there are none: only an installation on Kafka keeps ids of processed events")

_TRADING: Final[Mapping[str, Rule]] = {
    trading.TRADING_PROCESSED.name: Owned(USER, owners.first),
    trading.TRADING_ACCOUNTS.name: Owned(USER, owners.whole),
    trading.TRADING_TRADES.name: Owned(USER, owners.first),
    trading.TRADING_OPEN.name: Owned(USER, owners.exposed),
    trading.TRADING_OWNED.name: Owned(USER, owners.of_trade),
    trading.TRADING_POSITIONS.name: Owned(USER, owners.first),
    trading.TRADING_PORTFOLIO.name: Owned(USER, owners.whole),
    trading.TRADING_MARKS.name: copied("each child gets a copy"),
    trading.TRADING_WATERMARK.name: _WATERMARK,
    trading.TRADING_CANDLES.name: Stays(PARTS),
}
_GAMIFICATION: Final[Mapping[str, Rule]] = {
    gamification.GAMIFICATION_PROCESSED.name: _AT_LEAST_ONCE,
    gamification.GAMIFICATION_PROGRESS.name: Owned(USER, owners.whole),
    gamification.GAMIFICATION_TRADES.name: Owned(USER, owners.first),
    gamification.GAMIFICATION_BOARDS.name: Owned("move with the user or constellation", owners.last),
    gamification.GAMIFICATION_WATERMARK.name: _WATERMARK,
    gamification.GAMIFICATION_SEALING.name: Reshaped(
        "each child gets a copy that names the former number of partitions", game.seal, game.sealing
    ),
    gamification.GAMIFICATION_RUNS.name: Empty("there are none unless boards are being sealed"),
    gamification.GAMIFICATION_SEALS.name: Stays("stay: a part keeps the number of the partition that sealed it"),
    gamification.GAMIFICATION_DECIDING.name: game.owned(
        "move with the board; children have sealed what their partition has", gamification.Deciding, game.decide
    ),
    gamification.GAMIFICATION_REWARDS.name: Owned(USER, owners.whole),
    gamification.GAMIFICATION_DEADLINES.name: Owned(USER, owners.subject),
    gamification.GAMIFICATION_LEADING.name: Reshaped("each child gets the places of its users", game.lead),
    gamification.GAMIFICATION_THRESHOLDS.name: copied("each child gets a copy"),
    gamification.GAMIFICATION_CANDIDATES.name: Owned(USER, owners.whole),
    gamification.GAMIFICATION_ROUNDS.name: Owned("move with the key of all reports", owners.reports),
    gamification.GAMIFICATION_REPORTS.name: Reshaped(
        "move with the key of all reports; a report is divided by users", game.reports
    ),
    gamification.GAMIFICATION_FIRST.name: game.owned(
        "move with the key of all reports; the places of a partition are divided by users",
        FirstPlaces,
        game.places,
        owners.reports,
    ),
    gamification.GAMIFICATION_OVERTAKINGS.name: Owned(USER, owners.whole),
    gamification.GAMIFICATION_PENDING_XP.name: Stays("stay; the next tick sends them to the constellations"),
    gamification.GAMIFICATION_CONTRIBUTIONS.name: Owned(CONSTELLATION, owners.whole),
    gamification.GAMIFICATION_HOURS.name: Stays(PARTS),
    gamification.GAMIFICATION_DAYS.name: Owned(USER, owners.first),
}
_FINANCIAL: Final[Mapping[str, Rule]] = {
    financial.FINANCIAL_PROCESSED.name: _AT_LEAST_ONCE,
    financial.FINANCIAL_FEES.name: Stays(PARTS),
    financial.FINANCIAL_WATERMARK.name: _WATERMARK,
    financial.FINANCIAL_FEE_HOURS.name: Stays(PARTS),
    financial.FINANCIAL_REVENUE.name: Stays(PARTS),
    financial.FINANCIAL_CHAIN.name: Owned("move with the contract", owners.first),
    financial.FINANCIAL_LEDGER.name: Owned(
        "accounts of users move with the user; readers add up the parts of all others. `transit` has what moved",
        owners.account,
    ),
    financial.FINANCIAL_CUSTOMERS.name: Owned(USER, owners.whole),
    financial.FINANCIAL_DEPOSITS.name: Owned("move with the provider's reference", owners.deposit),
    financial.FINANCIAL_WITHDRAWALS.name: Owned(USER, owners.whole),
    financial.FINANCIAL_REVIEWS.name: Owned(USER, owners.first),
    financial.FINANCIAL_PLANS.name: Owned(USER, owners.whole),
    financial.FINANCIAL_PLAN_USERS.name: Stays("stay; the next tick counts the plans, since it audits"),
    financial.FINANCIAL_RESERVATIONS.name: Owned(
        "move with the buyer, each with a deadline", owners.buyer, owners.reservation_deadline
    ),
    financial.FINANCIAL_DEADLINES.name: Owned(
        "those of plans move with the user; those of reservations stay and find nothing", owners.financial_subject
    ),
    financial.FINANCIAL_AUDITS.name: Dropped("are deleted; the next tick audits"),
}
_USER: Final[Mapping[str, Rule]] = {
    user.USER_PROCESSED.name: _AT_LEAST_ONCE,
    user.USER_PROFILES.name: Owned(USER, owners.whole),
    user.USER_PREFERENCES.name: Owned(USER, owners.whole),
    user.USER_INBOX.name: Owned(USER, owners.whole),
    user.USER_NOTIFICATIONS.name: Owned(USER, owners.first),
    user.USER_SPONSORED.name: Owned(USER, owners.whole),
}
_SOCIAL: Final[Mapping[str, Rule]] = {
    social.SOCIAL_PROCESSED.name: _AT_LEAST_ONCE,
    social_people.SOCIAL_PROFILES.name: Owned(USER, owners.whole),
    social_people.SOCIAL_PEOPLE.name: Owned(USER, owners.whole),
    social_people.SOCIAL_INTERACTIONS.name: Owned(USER, owners.whole),
    social_people.SOCIAL_FOLLOWS.name: Owned(USER, owners.whole),
    social_people.SOCIAL_CONTENTS.name: Owned(USER, owners.whole),
    social_people.SOCIAL_FEED.name: Owned(USER, owners.whole),
    social_constellations.SOCIAL_MEMBERSHIPS.name: Owned(USER, owners.whole),
    social_constellations.SOCIAL_NAMES.name: Owned("move with the name", owners.whole),
    social_constellations.SOCIAL_CONSTELLATIONS.name: Owned(CONSTELLATION, owners.whole),
    social_constellations.SOCIAL_ROSTERS.name: Owned(CONSTELLATION, owners.whole),
    social_constellations.SOCIAL_RATINGS.name: Owned(CONSTELLATION, owners.last),
    social_constellations.SOCIAL_BATTLES.name: Owned(BATTLE, owners.whole),
    social_constellations.SOCIAL_BATTLE_POINTS.name: Owned(BATTLE, owners.first),
    social_constellations.SOCIAL_BATTLE_ENTRIES.name: Owned(USER, owners.whole),
    social_constellations.SOCIAL_BATTLE_TRADES.name: Owned(USER, owners.first),
    social_constellations.SOCIAL_DEADLINES.name: Owned("move with the user, constellation or battle", owners.subject),
}
_NFT: Final[Mapping[str, Rule]] = {
    nft.NFT_PROCESSED.name: _AT_LEAST_ONCE,
    nft.NFT_COLLECTORS.name: Owned(USER, owners.whole),
    nft.NFT_TOKENS.name: Owned(NFT, owners.whole),
    nft.NFT_MARKET.name: Owned(NFT, owners.token),
    nft.NFT_DEADLINES.name: Owned(NFT, owners.subject),
}

RULES: Final[Mapping[str, Rule]] = {**_TRADING, **_GAMIFICATION, **_FINANCIAL, **_USER, **_SOCIAL, **_NFT}
"""One rule for each table of the topology."""
