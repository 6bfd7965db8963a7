"""Notifications: what a person should see. The key is the user's id.

An event holds no prose: `text` is the key of a text, and `arguments` fill its gaps.
"""

from __future__ import annotations

from typing import ClassVar, Final, Literal, get_args

from streams import topics
from streams.events.base import EventData, Name

NotificationKind = Literal[
    "level_up",
    "achievement",
    "reward_granted",
    "reward_expiring",
    "streak_breaking",
    "overtaken",
    "follow",
    "endorsement",
    "battle_challenge",
    "battle_started",
    "battle_result",
    "constellation_joined",
    "constellation_level_up",
    "nft_sold",
    "nft_expired",
    "order_rejected",
    "liquidation",
    "risk_alert",
    "withdrawal_decided",
    "plan_renewed",
    "plan_failed",
    "account_suspended",
]
KINDS: Final[tuple[NotificationKind, ...]] = get_args(NotificationKind)


class Notified(EventData, frozen=True, kw_only=True):
    """A user should see something. `cause_id` is the id of the event that it is about."""

    domain: ClassVar[str] = "notifications"
    topic: ClassVar[str] = topics.NOTIFICATIONS

    kind: NotificationKind
    text: Name
    arguments: dict[str, str]
    cause_id: str
