"""The rows of the user domain in the oracle's shape.

Left out of a notification: its number and slot, its own id and that of its cause. See `tests.community.oracle.user`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from tables.keys import SEPARATOR
from tables.user import (
    USER_INBOX,
    USER_NOTIFICATIONS,
    USER_PREFERENCES,
    USER_PROCESSED,
    USER_PROFILES,
    USER_SPONSORED,
    Notification,
)
from tests.community.compared.engine import Plain, Projection
from tests.community.compared.gamification import whole
from tests.community.oracle.inbox import notification_key


def notification(key: str, row: Notification) -> Iterable[tuple[str, Plain]]:
    """Yield a notification by its user and what the user sees."""
    user_id = key.partition(SEPARATOR)[0]
    yield notification_key(user_id, row.kind, row.text, row.arguments, row.at), {"read": row.read}


TABLES: Final[dict[str, Projection]] = {
    USER_PROFILES.name: whole,
    USER_PREFERENCES.name: whole,
    USER_INBOX.name: whole,
    USER_NOTIFICATIONS.name: notification,
    USER_SPONSORED.name: whole,
}
EMPTY: Final = (USER_PROCESSED.name,)
