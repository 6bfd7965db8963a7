"""The cluster of the rules' tests delivers by key, in append order, through every domain that consumes."""

from __future__ import annotations

from random import Random

import pytest

from streams.events.clock import Ticked
from streams.events.gamification import AchievementUnlocked
from streams.events.market import PriceUpdated
from streams.events.nft import NFTEligible
from streams.events.social import CreateProfile, ProfileCreated
from streams.events.trading import TradeExecuted
from tables.nft import NFT_COLLECTORS
from tables.social_people import SOCIAL_PROFILES
from tables.trading import TRADING_MARKS
from tests.unit.agents.cluster import Cluster, of_type
from tests.unit.agents.world import fill_of

AT = "2026-01-05T12:00:00Z"
USERS = [f"user-{number}" for number in range(12)]


@pytest.fixture(params=[None, 1, 2], ids=["in order", "shuffled 1", "shuffled 2"])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    return Cluster(4, random=None if request.param is None else Random(request.param))


def test_events_pass_through_every_domain_that_consumes_them(cluster: Cluster) -> None:
    for user in USERS:
        cluster.post(fill_of("f-1", user), user, AT)
    followed = cluster.run()
    assert len(of_type(followed, TradeExecuted)) == len(USERS)
    assert of_type(followed, AchievementUnlocked)
    assert len(of_type(followed, NFTEligible)) == len(USERS)
    assert cluster.rows(NFT_COLLECTORS).keys() == set(USERS)
    assert len({cluster.partition_of(user) for user in USERS}) == cluster.partitions


def test_an_event_is_in_the_partition_of_its_key(cluster: Cluster) -> None:
    for user in USERS:
        assert of_type(cluster.send(CreateProfile(display_name=user), user, AT), ProfileCreated)
        row = cluster.row(SOCIAL_PROFILES, user)
        assert row is not None
        assert row.display_name == user
    for partition, log in enumerate(cluster.logs):
        assert {cluster.partition_of(record.event.partitionkey) for record in log} == {partition}


def test_a_tick_and_a_price_reach_every_partition(cluster: Cluster) -> None:
    cluster.send(PriceUpdated.of({"market": "BTC", "price": "50000"}), "BTC", AT)
    cluster.tick(AT)
    assert [set(rows) for rows in cluster.rows_by_partition(TRADING_MARKS)] == [{"BTC"}] * cluster.partitions
    assert [len(of_type([one.event for one in log], Ticked)) for log in cluster.logs] == [1] * cluster.partitions
