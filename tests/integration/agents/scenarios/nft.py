"""Eligibility follows from the achievements of trading's scenario."""

from __future__ import annotations

from tests.integration.agents.scenarios.kit import Run


def play(run: Run) -> None:
    """Play nothing more."""
    del run
