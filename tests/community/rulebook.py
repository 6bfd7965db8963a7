"""The rule book of the community: the packaged one, except that a tick seals all that is over.

The packaged one bounds the rows that a tick may seal. Then the tick at which a board is sealed, and its rewards are
granted, depends on how many rows a partition has. The oracle seals a day at its first tick.
"""

from __future__ import annotations

from typing import Final

from agents.rulebook import Rulebook, packaged_text, parse_rulebook

PACKAGED: Final = "seal_rows_max = 2000\n"
WITHOUT_BOUND: Final = "seal_rows_max = 1_000_000\n"


def rulebook_text() -> str:
    """Return the rule book as TOML.

    Raises:
        ValueError: the packaged rule book has another bound.
    """
    text = packaged_text()
    if PACKAGED not in text:
        raise ValueError(f"the packaged rule book has no line {PACKAGED.strip()}")
    return text.replace(PACKAGED, WITHOUT_BOUND)


def rulebook() -> Rulebook:
    """Return the rule book."""
    return parse_rulebook(rulebook_text())
