"""The kinds of deadlines of the social domain."""

from __future__ import annotations

from typing import Final, Literal

from agents import deadlines

DUE_MAX: Final = 1_000
"""How many deadlines one tick handles."""

Kind = Literal[
    "follow", "membership", "engagement", "entry", "points", "answer", "challenge", "side", "score", "closing"
]
Deadlines = deadlines.Deadlines[Kind]
