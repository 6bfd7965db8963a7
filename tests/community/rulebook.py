"""The rule book of the community: the packaged one, except that no tick is bounded.

The packaged one bounds the rows that a tick seals, and the deadlines that it handles. Then the tick at which a board is
sealed, or a plan renewed, depends on how many there are in a partition. The oracle does both at the first tick.
"""

from __future__ import annotations

import re
from typing import Final

from agents.rulebook import Rulebook, packaged_text, parse_rulebook

BOUNDS: Final = ("seal_rows_max = 2000\n", "deadlines_per_tick_max = 1000\n")
KEPT: Final = re.compile(r"(?m)^kept_days = \d+$")
NO_BOUND: Final = 1_000_000


def rulebook_text(kept_days: int | None = None) -> str:
    """Return the rule book as TOML, if asked with another number of days that rows are kept.

    Raises:
        ValueError: the packaged rule book has another bound.
    """
    text = packaged_text()
    for bound in BOUNDS:
        if bound not in text:
            raise ValueError(f"the packaged rule book has no line {bound.strip()}")
        text = text.replace(bound, f"{bound.partition('=')[0]}= {NO_BOUND}\n")
    return text if kept_days is None else KEPT.sub(f"kept_days = {kept_days}", text)


def rulebook(kept_days: int | None = None) -> Rulebook:
    """Return the rule book, if asked with another number of days that rows are kept."""
    return parse_rulebook(rulebook_text(kept_days))
