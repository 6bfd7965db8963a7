"""An account from its registration to its first sign-in."""

from __future__ import annotations

from streams.events.user import AccountRegistered, LoggedIn
from tests.integration.agents.scenarios.kit import Run, first


def play(run: Run) -> None:
    """Play the scenario."""
    run(first(AccountRegistered(user_id="ada", role="user", username="ada"), "ada"))
    run(first(LoggedIn(user_id="ada"), "ada"))
