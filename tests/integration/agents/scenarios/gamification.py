"""Events of other domains that earn XP, and ticks that seal, beside trading's scenario."""

from __future__ import annotations

from streams.events.clock import ticked
from streams.events.financial import FundsDeposited
from streams.events.social import Interacted
from streams.events.user import LoggedIn
from streams.times import Instant
from streams.units import Quantity
from tests.integration.agents.scenarios.kit import Run, first

SEALING = Instant.parse("2026-01-07T00:00:00Z")


def play(run: Run) -> None:
    """Play the scenario."""
    run(first(FundsDeposited(asset="USD", amount=Quantity.of(2_000), provider="bank", reference="d-1"), "ada"))
    run(first(Interacted(target="bob", kind="endorse"), "ada"))
    run(first(LoggedIn(user_id="ada"), "ada"))
    run(ticked(SEALING))
    run(ticked(SEALING))
