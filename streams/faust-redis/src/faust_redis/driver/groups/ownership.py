"""Track the partitions that this member owns."""

from __future__ import annotations

from collections.abc import Iterable

from faust.types import TP


class Ownership:
    """The assignment of one member.

    Attributes:
        assigned: Active and standby partitions; the old ones until a new assignment is installed.
        is_installed: False from a revocation until the next assignment is installed.
        revocations: How often partitions were revoked; work that outlasts one compares it.
    """

    def __init__(self) -> None:
        self.assigned: set[TP] = set()
        self.is_installed = True
        self.revocations = 0

    def holds(self, tp: TP) -> bool:
        """Return whether a partition is assigned to this member."""
        return tp in self.assigned

    def assign(self, tps: Iterable[TP]) -> None:
        """Note a new assignment, which is installed later."""
        self.assigned = set(tps)

    def revoke(self) -> None:
        """Note that a hand-over has begun."""
        self.is_installed = False
        self.revocations += 1

    def install(self) -> None:
        """Note that the assignment is in force."""
        self.is_installed = True
