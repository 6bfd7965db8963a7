"""Search for the highest rate that keeps the SLO: greater and greater steps, then halves of the gap that remains."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

Judged = Literal["good", "broken", "invalid"]


@dataclass(frozen=True, slots=True)
class Limits:
    """The rates at the end of a search: the highest good one, and the lowest that broke the SLO; None for neither."""

    good: float | None
    broken: float | None


async def search(
    measure: Callable[[float], Awaitable[Judged]], *, first: float, growth: float, steps: int, halvings: int
) -> Limits:
    """Measure rates until the limit is known.

    The ramp ends at the first step that is not good. After a broken one, each halving measures the middle of the gap.
    An invalid step ends the search: the load cannot be made here, so nothing is known of greater rates.
    """
    assert first > 0, first
    assert growth > 1, growth
    good: float | None = None
    broken: float | None = None
    rate = first
    for _ in range(steps):
        judged = await measure(rate)
        if judged == "good":
            good, rate = rate, rate * growth
            continue
        broken = rate if judged == "broken" else None
        break
    for _ in range(halvings if broken is not None else 0):
        assert broken is not None
        middle = ((good or 0.0) + broken) / 2
        judged = await measure(middle)
        if judged == "invalid":
            break
        good, broken = (middle, broken) if judged == "good" else (good, middle)
    return Limits(good, broken)
