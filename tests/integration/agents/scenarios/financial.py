"""The financial domain follows from trading's scenario."""

from __future__ import annotations

from tests.integration.agents.scenarios.kit import Run


def play(run: Run) -> None:
    """Play nothing more."""
    del run
