"""How much each kind of caller may ask for, and what each request costs. Every number of the rate limits is here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl

from api.auth import Role
from streams.times import SECOND_US


@dataclass(frozen=True, slots=True)
class Policy:
    """A token bucket.

    Attributes:
        name: Its name in the `RateLimit` headers, and in metrics.
        units: Units in a full bucket.
        window_s: Seconds in which an empty bucket fills, evenly.
    """

    name: str
    units: int
    window_s: int

    @property
    def unit_us(self) -> int:
        """Return the microseconds in which one unit is refilled."""
        return self.window_s * SECOND_US // self.units

    @property
    def full_us(self) -> int:
        """Return the microseconds in which an empty bucket is refilled."""
        return self.units * self.unit_us

    def times(self, factor: int) -> Policy:
        """Return a bucket of as many times the units, at most one unit each microsecond."""
        return Policy(self.name, min(self.units * factor, self.window_s * SECOND_US), self.window_s)

    def stricter(self, divisor: int) -> Policy:
        """Return a bucket with a fraction of the units, at least one."""
        return Policy(self.name, max(1, self.units // divisor), self.window_s)


ANONYMOUS: Final = Policy("anonymous", 1_200, 60)
"""One address without a token: 20 requests a second, or the dashboards of some people behind one address."""

POLICIES: Final[Mapping[Role, Policy]] = {
    Role.USER: Policy("account", 6_000, 60),
    Role.MODERATOR: Policy("staff", 60_000, 60),
    Role.ADMIN: Policy("staff", 60_000, 60),
    Role.VENUE: Policy("venue", 6_000_000, 60),
    Role.SERVICE: Policy("service", 6_000_000, 60),
}
"""An account, by its role. A venue may report 100,000 fills a second, more than one API process can take."""

API_KEY_SHARE = 2
API_KEYS: Final[Mapping[Role, Policy]] = {
    role: Policy("api-key", policy.units // API_KEY_SHARE, policy.window_s) for role, policy in POLICIES.items()
}
"""An API key, by the role of its account, whose units it spends, too. One key of several leaves some for the others."""

AWAY_SHARE = 10
"""While Redis is away, each process has a bucket of its own for each caller, with the units divided by this."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a request costs.

    Attributes:
        units: For the request.
        items: The query parameter that says how many items are asked for.
        per_unit: How many of them cost a unit.
        items_max: How many the route accepts; it refuses a request for more, which costs no more than `units`.
    """

    units: int
    items: str = ""
    per_unit: int = 1
    items_max: int = 0

    def of(self, query: bytes) -> int:
        """Return the units for a request with this query string."""
        if not self.items or not query:
            return self.units
        asked = dict(parse_qsl(query.decode("latin-1"))).get(self.items, "")
        items = int(asked) if asked.isdecimal() and len(asked) <= DIGITS_MAX else 0
        return self.units + (items // self.per_unit if items <= self.items_max else 0)


LOOK_UP_UNITS: Final = 5
"""What an address, or the caller of a socket, pays when the process has to read an API key from the store."""

DIGITS_MAX = 6
READ = Cost(1)
COSTS: Final[Mapping[tuple[str, str], Cost]] = {
    ("POST", "trades"): Cost(20),
    ("POST", "fills"): Cost(1),
    ("POST", "prices"): Cost(1),
    ("POST", "users"): Cost(20),
    ("DELETE", "users"): Cost(20),
    ("POST", "contents"): Cost(20),
    ("POST", "auth"): Cost(20),
    ("POST", "account"): Cost(20),
    ("PUT", "account"): Cost(20),
    ("DELETE", "account"): Cost(20),
    ("PUT", "users"): Cost(20),
    ("PUT", "preferences"): Cost(20),
    ("POST", "nft"): Cost(20),
    ("DELETE", "nft"): Cost(20),
    ("GET", "nft"): Cost(1, "limit", 50, 200),
    ("POST", "notifications"): Cost(20),
    ("GET", "notifications"): Cost(2),
    ("GET", "leaderboards"): Cost(1, "limit", 100, 1_000),
    ("GET", "users"): Cost(1, "limit", 100, 1_000),
    ("GET", "feed"): Cost(10, "last", 50, 500),
    ("GET", "stats"): Cost(5, "limit", 100, 1_000),
    ("GET", "markets"): Cost(1, "limit", 100, 1_000),
    ("GET", "fees"): Cost(1, "limit", 100, 1_000),
    ("GET", "pipeline"): Cost(5),
    ("GET", "dead-letters"): Cost(100),
    ("GET", "trace"): Cost(500),
    ("GET", "tables"): Cost(100),
    ("GET", "ws"): Cost(10),
}
"""By method and the first part of the path after /v1. All other requests cost one unit. Each item of a batch of fills
or prices after the first costs another one. An application without a route for an entry refuses to start."""

FREE: Final = frozenset({"/livez", "/healthz", "/readyz"})
"""Probes: an orchestrator must get its answer whatever else comes from its address."""


class CostTableError(Exception):
    """The table of costs has an entry without a route."""


def check_used(routes: Iterable[tuple[str, str]]) -> None:
    """Refuse a table of costs with an entry that matches no route.

    Args:
        routes: The method and the path's template of each route of the application.

    Raises:
        CostTableError: naming the entries.
    """
    used = {(method, _part(path)) for method, path in routes}
    if unused := COSTS.keys() - used:
        entries = ", ".join(f"{method} /v1/{part}" for method, part in sorted(unused))
        raise CostTableError(f"COSTS in api/limits/policies.py has an entry without a route: {entries}")


def cost_of(method: str, path: str, query: bytes) -> int:
    """Return the units that a request costs."""
    if path in FREE:
        return 0
    return COSTS.get((method, _part(path)), READ).of(query)


def _part(path: str) -> str:
    """Return the first part of a path after /v1; empty for another path."""
    parts = path.split("/", 3)
    return parts[2] if len(parts) > 2 and parts[1] == "v1" else ""  # noqa: PLR2004
