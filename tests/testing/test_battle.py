"""A battle through all domains over RocksDB gives the rows that the rules give over dictionaries."""

from __future__ import annotations

from faust_redis.testing import TestDriver

from streams.events import AnyEvent, EventData
from streams.events.battles import AcceptBattle, ChallengeBattle
from streams.events.clock import ticked
from streams.events.constellations import ContributeShards, CreateConstellation, JoinConstellation, LeaveConstellation
from streams.events.recent import Recent
from streams.times import HOUR_US, MINUTE_US, Instant
from tables.domains import TOPOLOGY
from tables.social_constellations import CONSTELLATIONS, SOCIAL_BATTLES, Battle
from tests.testing.test_product import APP_ID, DAY_MS, PARTITIONS, domain_apps
from tests.unit.agents.cluster import Cluster
from tests.unit.agents.world import fill_of

NOON = Instant.parse("2026-01-05T12:00:00Z")


class Both:
    """Sends each event to a cluster over dictionaries and to the test driver."""

    def __init__(self, driver: TestDriver) -> None:
        self.cluster = Cluster(PARTITIONS)
        self.driver = driver
        self._codec = Recent()

    def send(self, data: EventData, key: str, at: int = NOON) -> None:
        event = self.cluster.post(data, key, Instant(at))
        self.cluster.run()
        self._pipe(event, self.cluster.partition_of(key))

    def tick(self, at: int) -> None:
        self.cluster.tick(Instant(at))
        for partition in range(PARTITIONS):
            self._pipe(ticked(Instant(at), self.cluster.rulebook.version), partition)

    def _pipe(self, event: AnyEvent, partition: int) -> None:
        value = self._codec.encode(event)
        self.driver.pipe(event.data.topic, value, key=event.partitionkey.encode(), partition=partition)


def play(both: Both) -> None:
    """Play a battle of two constellations to its end."""
    for owner, constellation_id in (("ada", "north"), ("eve", "south")):
        name = f"The {constellation_id}"
        both.send(CreateConstellation(constellation_id=constellation_id, name=name), owner)
    for user, constellation_id in (("bob", "north"), ("fay", "south"), ("gus", "south")):
        both.send(JoinConstellation(constellation_id=constellation_id), user)
    both.send(LeaveConstellation(), "gus")
    both.send(ContributeShards(amount=70), "ada")
    both.send(ChallengeBattle(battle_id="b-1", opponent="south", kind="trading_duel", hours=1), "ada")
    both.send(AcceptBattle(battle_id="b-1"), "eve")
    for number, (user, pnl) in enumerate((("ada", "12.50"), ("bob", "-3.00"), ("fay", "4.00"), ("gus", "9.00"))):
        fill = fill_of(f"f-{number}", user, closed_pnl_usd=pnl, closes=True)
        both.send(fill, user, NOON + 5 * MINUTE_US)
    for at in (6 * MINUTE_US, 7 * MINUTE_US, 2 * HOUR_US):
        both.tick(NOON + at)


def test_a_battle_over_rocksdb_gives_the_rows_of_the_rules() -> None:
    specs = [*TOPOLOGY.topic_specs(PARTITIONS, DAY_MS), *TOPOLOGY.changelog_specs(APP_ID, PARTITIONS, DAY_MS)]
    apps = dict(zip(TOPOLOGY.names, (make() for make in domain_apps()), strict=True))
    with TestDriver(*apps.values(), topics=specs) as driver:
        both = Both(driver)
        play(both)
        assert driver.dead_letters() == []
        for spec in CONSTELLATIONS.tables:
            for partition, workers in enumerate(both.cluster.workers):
                stored = driver.table(apps["social"].tables[spec.short_name], partition=partition)
                assert stored == workers["social"].maps[spec.name], (spec.name, partition)
        battle = both.cluster.row(SOCIAL_BATTLES, "b-1")
        assert isinstance(battle, Battle)
        assert (battle.state, battle.winner) == ("completed", "south")  # 4 + 100 + 10 beat 9.5 + 50 + 20
