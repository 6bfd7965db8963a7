"""The one helper that waits: it polls a condition, and on timeout says what was still missing."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LOOK_AGAIN_S = 0.05


def eventually(look: Callable[[], T | None], *, within_s: float, what: str) -> T:
    """Return the first answer of `look` that is neither None nor False.

    Raises:
        AssertionError: there was none within the deadline.
    """
    deadline = time.monotonic() + within_s
    while True:
        answer = look()
        if answer is not None and answer is not False:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {within_s:.0f} s: {what}")
        time.sleep(LOOK_AGAIN_S)
