"""The service level objectives, and what measures them. The rules and the dashboards derive from this file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from api.kit import tracing

VISIBLE_S: Final = 0.25
BEHIND_S: Final = 10
PROBES: Final = "|".join(sorted(tracing.PROBES))
WINDOWS: Final = {"5m": 300, "30m": 1_800, "1h": 3_600, "6h": 21_600, "3d": 259_200}
"""The windows of burn rates, in seconds."""


@dataclass(frozen=True, slots=True)
class Objective:
    """A share of good events that must be reached.

    Attributes:
        name: The name in recorded series and alerts.
        budget: The share of bad events that the objective allows.
        says: The objective in words.
        errors: A query for the share of bad events, with `{window}` in place of the window.
        runbook: The page for an operator whom its alerts call.
    """

    name: str
    budget: float
    says: str
    errors: str
    runbook: str

    def recorded(self, window: str) -> str:
        """Return the recorded series of the share of bad events in a window."""
        return f"astra:{self.name}_errors:ratio_rate{window}"


VISIBLE: Final = Objective(
    "visible",
    0.01,
    f"99 % of accepted commands are visible within {VISIBLE_S * 1000:.0f} ms",
    'clamp_min(1 - sum(rate(astra_api_accepted_to_visible_seconds_bucket{{le="0.25"}}[{window}]))'
    " / sum(rate(astra_api_effects_expected_total[{window}])), 0)",
    "slow-effects",
)
AVAILABLE: Final = Objective(
    "available",
    0.001,
    "the gateway answers 99.9 % of requests without an error of its own",
    'sum(rate(astra_api_requests_total{{status=~"5..",route!~"' + PROBES + '"}}[{window}]) or vector(0))'
    ' / sum(rate(astra_api_requests_total{{route!~"' + PROBES + '"}}[{window}]))',
    "gateway-errors",
)
FRESH: Final = Objective(
    "fresh",
    0.001,
    f"99.9 % of the time no domain is behind by over {BEHIND_S} s",
    "avg_over_time(astra:behind:bool[{window}])",
    "lag-growing",
)
OBJECTIVES: Final = (VISIBLE, AVAILABLE, FRESH)
