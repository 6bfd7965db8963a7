"""The numbers about people: interactions, follows, ratings, contents and feeds."""

from __future__ import annotations

from typing import Annotated, Self, get_args

from pydantic import Field, model_validator

from agents.policy import Count, Policy, Positive, Ppm
from streams.events.social import Platform
from streams.times import SECOND_US
from streams.units import PPM

RATING_MAX_MILLIONTHS = 1_000 * PPM


class RatingPolicy(Policy):
    """The social rating, in millionths of a point.

    Attributes:
        start: The rating of a new user.
        highest: The highest rating. The lowest is 0.
        endorsement_max: Largest gain of one endorsement.
        endorsement_pool: An endorsement gains this, divided by the endorsements received before.
        report_max: Largest loss by one report.
        report_ppm: A report takes this part of the rating.
    """

    start: Count
    highest: Annotated[Positive, Field(le=RATING_MAX_MILLIONTHS)]
    endorsement_max: Count
    endorsement_pool: Count
    report_max: Count
    report_ppm: Ppm

    @model_validator(mode="after")
    def _start_within_bounds(self) -> Self:
        if self.start > self.highest:
            raise ValueError(f"expected start <= highest, got {self.start} and {self.highest}")
        return self


class PeoplePolicy(Policy):
    """Profiles, interactions, follows, contents and feeds.

    Attributes:
        interactions_per_hour_max: Largest number of interactions of a user in any hour.
        follows_max: Largest number of users whom a user may follow.
        reservation_s: For how many seconds a follow waits for its answer.
        contents_per_day_max: Largest number of contents that a user may make in a UTC day.
        contents_kept_max: How many of a user's newest contents can be shared and liked.
        feed_entries_max: How many of a user's newest entries the feeds of followers show.
        rating: The social rating.
        platform_tenths: What a share on each platform adds to a viral score, in tenths.
    """

    interactions_per_hour_max: Positive
    follows_max: Annotated[Positive, Field(le=1_000)]
    reservation_s: Positive
    contents_per_day_max: Positive
    contents_kept_max: Annotated[Positive, Field(le=200)]
    feed_entries_max: Annotated[Positive, Field(le=100)]
    rating: RatingPolicy
    platform_tenths: dict[Platform, Positive]

    @property
    def reservation_us(self) -> int:
        """Return `reservation_s` in microseconds."""
        return self.reservation_s * SECOND_US

    @model_validator(mode="after")
    def _every_platform(self) -> Self:
        if missing := sorted(set(get_args(Platform)) - set(self.platform_tenths)):
            raise ValueError(f"expected a weight for every platform, got none for {', '.join(missing)}")
        return self
