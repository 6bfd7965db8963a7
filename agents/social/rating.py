"""The social rating of a user, in whole millionths of a point. Pure functions."""

from __future__ import annotations

from agents.social.people_policy import RatingPolicy
from streams.units import PPM


def endorsed(rating: int, received: int, policy: RatingPolicy) -> int:
    """Return a rating after an endorsement, which follows `received` others. The gain is rounded down."""
    gain = min(policy.endorsement_max, policy.endorsement_pool // max(1, received))
    return min(policy.highest, rating + gain)


def reported(rating: int, policy: RatingPolicy) -> int:
    """Return a rating after a report. The loss is rounded down, so no report leads below 0."""
    return rating - min(policy.report_max, rating * policy.report_ppm // PPM)
