"""Tune Python's garbage collector: for the start of each command, for workers, and for the API's many open feeds."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from typing import Any

ALLOCATIONS = 10_000
"""Net new containers between two collections of the youngest; 700 by default."""

OLDEST = 2
"""The generation of a full collection."""

EXCLUDED_GROWTH = 2
EXCLUDED_MIN = 250_000
"""Some 50 MB."""


def collect_less_often() -> None:
    """Collect after more allocations. With Python's own threshold, collections are a tenth to a sixth of a start."""
    gc.set_threshold(ALLOCATIONS, 10, 10)


def relax_collector() -> None:
    """Exclude all present objects from collections, and collect less often.

    Without this, collections take a tenth of a busy worker's time. Most of it goes into modules that never change.
    """
    gc.collect()
    gc.freeze()
    collect_less_often()


class SurvivorsExcluded:
    """A callback of the collector that excludes what has survived a full collection from the next ones.

    Each open feed has some hundred objects. While thousands of feeds open, the collector would traverse all of them
    again and again, and stop all requests for a second.

    The collector never frees reference cycles among excluded objects. So one full collection in between traverses
    everything: when there are twice as many excluded objects as after the last such collection.
    """

    def __init__(self, excluded_min: int = EXCLUDED_MIN) -> None:
        self._excluded_min = excluded_min
        self._excluded_max = 0
        self._of_everything = True

    def install(self) -> None:
        """Exclude all present objects, collect less often, and begin."""
        gc.callbacks.append(self)
        gc.collect()
        collect_less_often()

    def remove(self) -> None:
        """End, and let the collector traverse everything again."""
        gc.callbacks.remove(self)
        gc.unfreeze()

    def __call__(self, phase: str, info: Mapping[str, Any]) -> None:
        """Exclude the survivors at the end of a full collection, or include everything in the next one."""
        if phase != "stop" or info["generation"] != OLDEST:
            return
        gc.freeze()
        excluded = gc.get_freeze_count()
        if self._of_everything:
            self._of_everything = False
            self._excluded_max = max(EXCLUDED_GROWTH * excluded, excluded + self._excluded_min)
        elif excluded > self._excluded_max:
            self._of_everything = True
            gc.unfreeze()
