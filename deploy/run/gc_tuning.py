"""Python's garbage collector in a process that lives long and makes many short-lived objects."""

from __future__ import annotations

import gc

ALLOCATIONS = 10_000
"""Net new containers between two collections of the youngest; 700 by default."""


def relax_collector() -> None:
    """Look no more at what is imported by now, which stays for good, and less often at the rest.

    Collections took a tenth of a busy worker's time: most of it for walking through modules that never change.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(ALLOCATIONS, 10, 10)
