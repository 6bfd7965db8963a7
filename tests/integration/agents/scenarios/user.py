"""An account from its registration to its first sign-in: preferences, a suspension, notifications, and its end."""

from __future__ import annotations

from streams.events.user import (
    AccountClosed,
    AccountRegistered,
    AccountSuspended,
    ChangePreferences,
    LoggedIn,
    ReadNotifications,
)
from tests.integration.agents.scenarios.kit import Run, first

USER = "una"


def play(run: Run) -> None:
    """Play the scenario."""
    run(first(AccountRegistered(user_id=USER, role="user", username="una"), USER))
    run(first(LoggedIn(user_id=USER), USER))
    run(first(ChangePreferences(language="en", muted=("overtaken",)), USER))
    run(first(AccountSuspended(user_id=USER), USER))
    run(first(ReadNotifications(), USER))
    run(first(AccountClosed(user_id=USER), USER))
