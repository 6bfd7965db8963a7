"""A profile."""

from __future__ import annotations

from streams.events.social import CreateProfile
from tests.integration.agents.scenarios.kit import Run, first


def play(run: Run) -> None:
    """Play the scenario."""
    run(first(CreateProfile(display_name="Ada"), "ada"))
