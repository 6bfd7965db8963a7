"""A community of the oracle that a test tells what happens, entry by entry."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from tests.community.journal import Entry
from tests.community.oracle import Community
from tests.community.oracle.crossing import User
from tests.community.oracle.fee_totals import EPOCH, MICROSECOND
from tests.community.oracle.ids import derived

OF_GAMIFICATION = frozenset(
    {"level_up", "achievement", "reward_granted", "reward_expiring", "streak_breaking", "overtaken"}
)
AT = "2026-01-05T12:00:00Z"


def micros(text: str) -> int:
    """Return the microseconds since 1970 of an RFC 3339 time."""
    return (datetime.fromisoformat(text) - EPOCH) // MICROSECOND


class Inbox(User):
    """Keeps what users were told: user, kind, text and arguments."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str, dict[str, str]]] = []

    def notify(
        self, user: str, kind: str, at: int, causes: Any, *, text: str, arguments: dict[str, str], **ids: str
    ) -> None:
        """Keep a notification."""
        self.told.append((user, kind, text, arguments))


class Told(Community):
    """A community whose notifications a test reads."""

    def __init__(self) -> None:
        super().__init__()
        self.inbox = Inbox()
        self.user = self.inbox  # type: ignore[assignment]
        self._made = 0

    def say(self, name: str, user: str = "", at: str = AT, **data: Any) -> str:
        """Apply an entry, and return its id."""
        self._made += 1
        entry_id = derived(micros(at) // 1_000, name, str(self._made))
        self.apply(Entry(number=self._made, at=micros(at), name=name, user=user, id=entry_id, data=data))
        return entry_id

    def row(self, table: str, key: str) -> Any:
        """Return a row, or None."""
        return self.rows()[table].get(key)

    def kinds(self, user: str) -> list[str]:
        """Return the texts of what a user was told, other than by gamification."""
        return [text for one, kind, text, _ in self.inbox.told if one == user and kind not in OF_GAMIFICATION]

    # --- short words --------------------------------------------------------------------------------------------------

    def deposit(self, user: str, amount: str, asset: str = "USD", reference: str = "", at: str = AT) -> str:
        reference = reference or f"wire-{self._made}"
        data = {"user_id": user, "asset": asset, "amount": amount, "provider": "bank", "reference": reference}
        return self.say("ReportDeposit", "bank", at, **data)

    def has(self, account: str, asset: str = "USD") -> int:
        return self.financial.ledger.balance(account, asset)
