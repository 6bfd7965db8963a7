"""Events of other domains that earn XP, ticks that seal, a lost place, and a reward, beside trading's scenario."""

from __future__ import annotations

from msgspec.structs import replace

from streams.events.clock import ticked
from streams.events.constellation_steps import ContributionReceived
from streams.events.constellations import ConstellationJoined
from streams.events.financial import FundsDeposited
from streams.events.gamification import ClaimReward
from streams.events.social import Interacted
from streams.events.user import LoggedIn
from streams.times import DAY_US, Instant
from streams.units import Quantity
from tests.integration.agents.scenarios.kit import Run, first
from tests.integration.agents.scenarios.social import fill

WEEK_SEALED = Instant.parse("2026-01-13T00:00:00Z")


def play(run: Run) -> None:
    """Play the scenario."""
    run(first(ConstellationJoined(constellation_id="north", name="North", role="member"), "ada"))
    run(first(ContributionReceived(user_id="ada", contribution_id="c-1", amount=7), "north"))
    run(first(FundsDeposited(asset="USD", amount=Quantity.of(2_000), provider="bank", reference="d-1"), "ada"))
    run(first(Interacted(target="bob", kind="endorse"), "ada"))
    run(first(LoggedIn(user_id="ada"), "ada"))
    run(first(Interacted(target="ada", kind="endorse"), "bob"))
    run(first(fill(), "ada"))
    tick(run, WEEK_SEALED)
    second = first(FundsDeposited(asset="USD", amount=Quantity.of(9_000), provider="bank", reference="d-2"), "bob")
    run(replace(second, time=WEEK_SEALED))
    for days in (1, 83):
        tick(run, Instant(WEEK_SEALED + days * DAY_US))
    run(first(ClaimReward(reward_id="global:xp:week:2026-W02"), "ada", Instant(WEEK_SEALED + 84 * DAY_US)))
    tick(run, Instant(WEEK_SEALED + 90 * DAY_US))


def tick(run: Run, at: Instant) -> None:
    """Tick under a key of this scenario: the ticks of later scenarios are earlier, and must not count as forgotten."""
    run(replace(ticked(at), partitionkey="gamification"))
