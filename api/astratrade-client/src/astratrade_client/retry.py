"""How often and how fast a request is repeated."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """Repeat after pauses that double, with chance in them, so that many clients do not come back at once.

    Attributes:
        first_s: The first pause, in seconds.
        max_s: The longest pause. A longer Retry-After of the API is respected.
        patience_s: How long to try in all.
        say: Called with a sentence before each repetition, for a progress report.
    """

    first_s: float = 0.2
    max_s: float = 5.0
    patience_s: float = 60.0
    say: Callable[[str], None] = field(default=lambda _sentence: None)

    def begin(self) -> Attempts:
        """Return the attempts of one request, counted from now."""
        return Attempts(self)


class Attempts:
    """The attempts of one request."""

    def __init__(self, retry: Retry) -> None:
        self._retry = retry
        self._pause_s = retry.first_s
        self._until_s = time.monotonic() + retry.patience_s

    def pause_s(self, retry_after_s: float | None = None) -> float | None:
        """Return how long to wait before the next attempt; None when the patience is at its end."""
        pause_s = self._pause_s * random.uniform(0.5, 1.0) if retry_after_s is None else retry_after_s  # noqa: S311
        self._pause_s = min(self._retry.max_s, 2 * self._pause_s)
        return None if time.monotonic() + pause_s > self._until_s else pause_s


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of a Retry-After header; None without one, or when it is a date."""
    try:
        return max(0.0, float(headers.get("retry-after", "")))
    except ValueError:
        return None
