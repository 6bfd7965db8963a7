"""The numbers of constellations."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from agents.policy import Count, Policy, Positive
from streams.events.constellations import MembersMax
from streams.times import SECOND_US


class ConstellationPolicy(Policy):
    """The numbers of constellations.

    Attributes:
        members_max: The cap of members that a founder may choose at most, and the one without a choice.
        banned_max: How many users a constellation may ban.
        level_ss: Contributed stellar shards that a level needs, times the level before it.
        level_members: Members that a level needs, times the level before it.
        reservation_s: After how long an unanswered reservation asks to be cancelled.
    """

    members_max: MembersMax
    members_default: MembersMax
    banned_max: Count
    level_ss: Positive
    level_members: Positive
    reservation_s: Positive

    @model_validator(mode="after")
    def _default_within_the_cap(self) -> Self:
        if self.members_default > self.members_max:
            raise ValueError(
                f"members_default: expected at most members_max {self.members_max}, got {self.members_default}"
            )
        return self

    @property
    def reservation_us(self) -> int:
        """Return `reservation_s` in microseconds."""
        return self.reservation_s * SECOND_US

    def level_at(self, level: int, contributed: int, members: int) -> int:
        """Return the level that a constellation of a level has: it rises while both conditions of the next one hold."""
        while contributed >= level * self.level_ss and members >= level * self.level_members:
            level += 1
        return level
