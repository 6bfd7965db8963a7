"""How long the server really takes for what a commit is reckoned to cost: machines differ, and rows do."""

from __future__ import annotations

from streams.driver.limits import PACE_FROM_US, PACE_MAX, PACE_MIN, PACE_WEIGHT


class Pace:
    """Microseconds that the server takes for a microsecond reckoned; learnt from the commits of this worker."""

    def __init__(self) -> None:
        self.factor = 1.0

    def learn(self, reckoned_us: int, took_us: int) -> None:
        """Note what a commit took. Small ones say nothing: most of theirs is the call."""
        if reckoned_us >= PACE_FROM_US and took_us > 0:
            seen = min(max(took_us / reckoned_us, PACE_MIN), PACE_MAX)
            self.factor += PACE_WEIGHT * (seen - self.factor)

    def reckoned(self, real_us: int) -> int:
        """What may be reckoned for a commit that may take so long."""
        return max(1, round(real_us / self.factor))

    def real(self, reckoned_us: int) -> int:
        """How long a commit takes that is reckoned to cost so much."""
        return round(reckoned_us * self.factor)
