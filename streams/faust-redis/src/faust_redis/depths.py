"""Read how much work an app holds just now, for gauges and probes."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any, cast

import faust

ATTEMPTS_MAX = 3


@dataclass(frozen=True, slots=True)
class Depths:
    """What an app holds.

    Attributes:
        events_in_flight: Events that were delivered to agents and are not finished.
        writes_pending: Outputs and table rows that wait for a commit.
        partitions_damaged: Damaged partitions that the app cannot read or write now.
    """

    events_in_flight: int
    writes_pending: int
    partitions_damaged: int


def depths_of(app: faust.App) -> Depths | None:
    """Return what an app holds; None when its broker is not Redis.

    The first call for an app builds its driver, so make it in the app's own thread. Later calls may come from any
    thread; they return None when the app's thread changed its books at each attempt.
    """
    driver = getattr(cast("Any", app.transport), "driver", None)
    if driver is None:
        return None
    for _ in range(ATTEMPTS_MAX):
        # The app's own thread may change the books meanwhile: a dictionary's size, or one of two counts.
        with suppress(RuntimeError, AssertionError):
            return Depths(driver.tracker.in_flight(), len(driver.committer.pending), len(driver.damages()))
    return None
