"""Each table is served: by a query and a feed, or not at all, and then for a reason that is written here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, Final

from fastapi.routing import APIRoute, iter_route_contexts

from api import domains
from api.app import create_app
from api.kit.parameters import Visible
from api.permissions import PUBLIC, Permissions
from streams.topology import TableSpec
from tables.domains import TOPOLOGY
from tests.integration.api.support import config_of

FEED_PATHS: Final = "/v1/feed/"

RANKINGS: Final = {
    "trading-owned": "trading-trades",
    "social-ratings": "social-constellations",
    "nft-market": "nft-tokens",
}
"""Tables that only rank or list the rows of another one. The feed of the other one has their content."""

UNSERVED: Final = {
    "trading-processed": "ids of events that were processed",
    "trading-watermark": "how far the time of a partition has come, for its candles",
    "financial-watermark": "how far the time of a partition has come, for its hours of fees",
    "trading-open": "what a liquidation needs of open trades; the trades themselves are served",
    "gamification-trades": "what a trade has earned so far; progress and XP events show it",
    "gamification-watermark": "how far the time of a partition has come",
    "gamification-sealing": "which boards a partition has sealed; answers about a board say it",
    "gamification-runs": "standings that a step of sealing has collected",
    "gamification-seals": "the digests of sealed parts; answers about a board say the digest over all",
    "gamification-deciding": "what the partitions have sealed so far of a board with rewards",
    "gamification-deadlines": "deadlines",
    "gamification-leading": "the first places of a partition's part of a board",
    "gamification-thresholds": "the score from which on a user may be among a partition's first places",
    "gamification-candidates": "users whom the next report of first places considers",
    "gamification-rounds": "the last round for which each partition has reported first places",
    "gamification-reports": "reports of first places that wait for those of other partitions",
    "gamification-first": "the first places over all partitions, in the last round; the board shows them",
    "gamification-overtakings": "when a user was told of a lost place; the inbox shows the notification",
    "gamification-pending-xp": "XP that a partition has not published to the constellations of its members yet",
    "gamification-contributions": "contributions by season, from which its rewards follow; the roster shows their sum",
    "financial-customers": "what the ledger knows of accounts; the account shows it",
    "financial-deposits": "deposits that counted; the feed `money` has them as events",
    "financial-reservations": "prices that purchases reserve; balances show them as reserved",
    "financial-deadlines": "deadlines",
    "financial-audits": "sums for `astratrade audit ledger` and for metrics",
    "social-names": "the constellation that has a name; the constellation shows it",
    "social-battle-trades": "trades of running battles, which `battle-points` sums up",
    "social-deadlines": "deadlines",
    "nft-deadlines": "deadlines",
}


def queried() -> dict[str, set[tuple[str, str]]]:
    """Return the tables that queries answer from, each with the routes."""
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for context in iter_route_contexts(create_app(config_of("redis://nowhere")).routes):
        route: Any = context.route
        if isinstance(route, APIRoute):
            for table in _tables(route.dependant):
                found[table.name] |= {(method, context.path or "") for method in route.methods or ()}
    return dict(found)


def _tables(dependant: Any) -> Iterator[TableSpec[Any]]:
    if isinstance(dependant.call, Visible):
        yield dependant.call.table
    for one in dependant.dependencies:
        yield from _tables(one)


def followed() -> dict[str, set[str]]:
    """Return the tables that feeds follow, each with the paths of the feeds."""
    found: dict[str, set[str]] = defaultdict(set)
    for domain in domains.load(TOPOLOGY):
        for feed in domain.feeds:
            if isinstance(feed.follows, TableSpec):
                found[feed.follows.name].add(FEED_PATHS + feed.name)
    return dict(found)


def unexplained(tables: Iterable[TableSpec[Any]], queries: set[str]) -> set[str]:
    """Return the tables that no query serves and that have no reason. Tables of repeated events are internal."""
    return {
        table.name
        for table in tables
        if table.name not in queries and table.name not in UNSERVED and not table.only_at_least_once
    }


def test_each_table_is_served_by_a_query_or_has_a_reason() -> None:
    queries = set(queried())
    assert unexplained(TOPOLOGY.tables, queries) == set()
    assert set(UNSERVED) <= {table.name for table in TOPOLOGY.tables} - queries, "a reason without need"


def test_a_table_without_a_query_and_a_reason_is_found() -> None:
    added: TableSpec[Any] = TableSpec("trading-added", None, ("astra.trading.commands.v1",))
    assert unexplained([*TOPOLOGY.tables, added], set(queried())) == {"trading-added"}


def test_each_table_that_a_query_serves_has_a_feed() -> None:
    queries, feeds = set(queried()), set(followed())
    assert queries - feeds == set(RANKINGS), "a table with a query and without a feed, or a ranking that has one"
    assert set(RANKINGS.values()) <= feeds
    assert feeds <= queries, "a feed of a table without a query"


def test_the_feed_of_a_private_table_is_private() -> None:
    """A table all of whose queries need a token must not be followed without one."""
    permissions = Permissions(domain.permissions for domain in domains.load(TOPOLOGY))
    feeds = followed()
    for table, routes in queried().items():
        if all(permissions.of(*route) is not PUBLIC for route in routes):
            for path in feeds.get(table, ()):
                assert not permissions.of("GET", path).public, f"{path} shows {table} to everyone"
