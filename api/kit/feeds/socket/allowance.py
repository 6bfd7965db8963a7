"""How many messages a client may send: a token bucket for one connection. Independent of the clock."""

from __future__ import annotations


class Allowance:
    """A bucket that fills at `per_second` up to `burst_max`; each message takes one."""

    def __init__(self, per_second: float, burst_max: int) -> None:
        self._per_second = per_second
        self._burst_max = burst_max
        self._left = float(burst_max)
        self._at_s: float | None = None

    def take(self, now_s: float) -> bool:
        """Take one; return False when none is left."""
        if self._at_s is not None:
            self._left = min(self._burst_max, self._left + (now_s - self._at_s) * self._per_second)
        self._at_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True
