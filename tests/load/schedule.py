"""When requests are due: fixed before a step begins, from a seed, and never moved by slow answers."""

from __future__ import annotations

from random import Random
from typing import Literal

Arrivals = Literal["poisson", "constant"]


def due_times(count: int, per_second: float, arrivals: Arrivals, seed: str) -> list[float]:
    """Return when each request is due, in ascending seconds after the beginning of the step.

    Args:
        count: How many requests there are.
        per_second: Their mean rate.
        arrivals: `poisson` draws independent gaps, as many independent people make them; `constant` makes equal gaps.
        seed: Decides the gaps.
    """
    assert per_second > 0, per_second
    if arrivals == "constant":
        return [number / per_second for number in range(count)]
    random, now, found = Random(f"arrivals {seed}"), 0.0, []
    for _ in range(count):
        now += random.expovariate(per_second)
        found.append(now)
    return found
