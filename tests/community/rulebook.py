"""The rule book of the community: the packaged one, except that no tick is bounded.

The packaged one bounds the rows that a tick seals, and the deadlines that it handles. Then the tick at which a board is
sealed, or a plan renewed, depends on how many there are in a partition. The oracle does both at the first tick.
"""

from __future__ import annotations

from typing import Final

from agents.rulebook import Rulebook, packaged_text, parse_rulebook

BOUNDS: Final = ("seal_rows_max = 2000\n", "deadlines_per_tick_max = 1000\n")
NO_BOUND: Final = 1_000_000


def rulebook_text() -> str:
    """Return the rule book as TOML.

    Raises:
        ValueError: the packaged rule book has another bound.
    """
    text = packaged_text()
    for bound in BOUNDS:
        if bound not in text:
            raise ValueError(f"the packaged rule book has no line {bound.strip()}")
        text = text.replace(bound, f"{bound.partition('=')[0]}= {NO_BOUND}\n")
    return text


def rulebook() -> Rulebook:
    """Return the rule book."""
    return parse_rulebook(rulebook_text())
