"""An account from its registration to its first sign-in: preferences, a suspension, notifications, and its end."""

from __future__ import annotations

from streams.events.chain import SponsoredCallReported
from streams.events.user import (
    AccountClosed,
    AccountRegistered,
    AccountSuspended,
    ChangePreferences,
    ContractCall,
    LoggedIn,
    ReadNotifications,
    SponsorCall,
)
from tests.integration.agents.scenarios.kit import Run, first

USER = "una"


def play(run: Run) -> None:
    """Play the scenario."""
    run(first(AccountRegistered(user_id=USER, role="user", username="una"), USER))
    run(first(LoggedIn(user_id=USER), USER))
    run(first(ChangePreferences(language="en", muted=("overtaken",)), USER))
    number = f"0x{1:064x}"
    calls = (ContractCall(to=number, selector=number, calldata=()),)
    window = {"execute_after": 0, "execute_before": 9}
    asked = SponsorCall(call_id="c-1", account=number, nonce=number, **window, calls=calls, signature=(number,))
    run(first(asked, USER))
    run(first(SponsoredCallReported(call_id="c-1", user_id=USER, outcome="executed", tx_hash=number, gas=9), USER))
    run(first(AccountSuspended(user_id=USER), USER))
    run(first(ReadNotifications(), USER))
    run(first(AccountClosed(user_id=USER), USER))
