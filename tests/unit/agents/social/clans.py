"""Constellations and battles in a cluster: short names for what tests do and read."""

from __future__ import annotations

from typing import Any

from streams.events import AnyEvent
from streams.events.battles import AcceptBattle, ChallengeBattle
from streams.events.constellations import CreateConstellation, JoinConstellation
from streams.events.financial import ContributionPaid
from streams.events.notifications import Notified
from streams.events.social import SocialCommandRejected
from streams.events.trading import TradeExecuted
from streams.times import SECOND_US, Instant
from tables.boards import Standing
from tables.social_constellations import (
    RATING_NAME,
    SOCIAL_BATTLES,
    SOCIAL_CONSTELLATIONS,
    SOCIAL_MEMBERSHIPS,
    SOCIAL_RATINGS,
    SOCIAL_ROSTERS,
    Battle,
    Constellation,
    rating_key,
)
from tables.typed import standings
from tests.unit.agents.cluster import Cluster, of_type

NOON = Instant.parse("2026-01-05T12:00:00Z")


def after(seconds: int) -> Instant:
    """Return a time some seconds after the first."""
    return Instant(NOON + seconds * SECOND_US)


def found(cluster: Cluster, owner: str, constellation_id: str, name: str = "", *, cap: int | None = None) -> Any:
    """Let a user found a constellation."""
    data = CreateConstellation(
        constellation_id=constellation_id, name=name or f"The {constellation_id}", members_max=cap
    )
    return cluster.send(data, owner, NOON)


def join(cluster: Cluster, constellation_id: str, *users: str) -> list[AnyEvent]:
    """Let users join a constellation."""
    return [
        event
        for user in users
        for event in cluster.send(JoinConstellation(constellation_id=constellation_id), user, NOON)
    ]


def contribute(cluster: Cluster, user: str, constellation_id: str, amount: int) -> list[AnyEvent]:
    """Let the ledger say that a member's shards went to a constellation."""
    paid = ContributionPaid(contribution_id=f"{user}-{amount}", constellation_id=constellation_id, amount=amount)
    return cluster.send(paid, user, NOON)


def two_sides(cluster: Cluster) -> None:
    """Found two constellations: ada with bob, and eve with fay."""
    found(cluster, "ada", "north")
    found(cluster, "eve", "south")
    join(cluster, "north", "bob")
    join(cluster, "south", "fay")


def challenge(cluster: Cluster, by: str = "ada", at: Instant = NOON, **fields: Any) -> list[AnyEvent]:
    """Challenge a constellation; by default ada's constellation challenges eve's for one hour."""
    wanted = {"battle_id": "b-1", "opponent": "south", "kind": "trading_duel", "hours": 1} | fields
    return cluster.send(ChallengeBattle.of(wanted), by, at)


def started(cluster: Cluster, **fields: Any) -> Battle:
    """Start a battle of two sides."""
    two_sides(cluster)
    challenge(cluster, **fields)
    cluster.send(AcceptBattle(battle_id="b-1"), "eve", NOON)
    return battle(cluster)


def trade(cluster: Cluster, user: str, trade_id: str, pnl: str, at: Instant, *, closes: bool = True) -> Any:
    """Execute a fill of a trade."""
    fill = TradeExecuted.of(
        {
            "trade_id": trade_id,
            "fill_id": f"{trade_id}-{at}",
            "venue": "tape",
            "market": "BTC",
            "side": "buy",
            "mode": "live",
            "price": "50000",
            "size": "0.02",
            "notional_usd": "1000.00",
            "fee_usd": "1.50",
            "closed_pnl_usd": pnl,
            "closes": closes,
        }
    )
    return cluster.send(fill, user, at)


def constellation(cluster: Cluster, constellation_id: str) -> Constellation:
    """Return a constellation's row."""
    row = cluster.row(SOCIAL_CONSTELLATIONS, constellation_id)
    assert row is not None
    return row


def battle(cluster: Cluster, battle_id: str = "b-1") -> Battle:
    """Return a battle's row."""
    row = cluster.row(SOCIAL_BATTLES, battle_id)
    assert row is not None
    return row


def members(cluster: Cluster, constellation_id: str) -> dict[str, str]:
    """Return the members of a constellation, each with the role."""
    roster = cluster.row(SOCIAL_ROSTERS, constellation_id)
    return {} if roster is None else {member.user_id: member.role for member in roster.members}


def slot(cluster: Cluster, user: str) -> tuple[str, str] | None:
    """Return the state of a user's slot, and its constellation."""
    row = cluster.row(SOCIAL_MEMBERSHIPS, user)
    return None if row is None else (row.state, row.constellation_id)


def reasons(events: list[AnyEvent]) -> list[str]:
    """Return why commands were rejected."""
    return [rejected.reason for rejected in of_type(events, SocialCommandRejected)]


def rating(cluster: Cluster, constellation_id: str) -> int | None:
    """Return the rating of a constellation on the board."""
    worker = cluster.workers[cluster.partition_of(constellation_id)]["social"]
    raw = worker.maps[SOCIAL_RATINGS.name].get(rating_key(constellation_id).encode())
    return None if raw is None else Standing.of(standings(raw)[RATING_NAME]).score


def told(events: list[AnyEvent], kind: str) -> list[str]:
    """Return who is told something of a kind."""
    notified = [event for event in events if isinstance(event.data, Notified) and event.data.kind == kind]
    return sorted(event.partitionkey for event in notified)
