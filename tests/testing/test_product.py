"""The three domains of the product under the test driver give exactly the oracle's results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path

import faust
import pytest
from faust_redis.testing import TestDriver

from agents.registry import register
from agents.rulebook import packaged_rulebook
from deploy.replay.fills import read_fills
from streams import topics
from streams.events.recent import Recent
from streams.topology import Topology
from tables.domains import TOPOLOGY
from tables.financial import FINANCIAL_FEES
from tables.gamification import GAMIFICATION_BOARDS, GAMIFICATION_PROGRESS
from tables.trading import TRADING_POSITIONS
from tests.bench.synthetic import write_fills
from tests.e2e.facts import Facts, assert_equal, expected_without_windows
from tests.integration.agents.test_rules_equal_the_oracle import Product, command
from tests.oracle import fills as oracle_fills
from tests.oracle.fold import fold

PARTITIONS = 6
APP_ID = "astratrade"
DAY_MS = 24 * 3_600_000


def domain_apps() -> list[Callable[[], faust.App]]:
    """Return what makes the app of each domain, as a worker builds them."""
    return [partial(_domain_app, domain) for domain in TOPOLOGY.names]


def _domain_app(domain: str) -> faust.App:
    app = faust.App(
        Topology.group(APP_ID, domain),
        broker="redis://unused",
        store="faust-redis-rocksdb://",
        topic_partitions=PARTITIONS,
        topic_disable_leader=True,
        reply_create_topic=False,
    )
    register(app, domain, packaged_rulebook(), Recent(), at_least_once=False)
    return app


def facts_of(driver: TestDriver) -> Facts:
    """Return the facts in the tables. Each partition of the fees has totals of its own; add them up as the API does."""
    product, fees = Product(), Counter[str]()
    for spec in (TRADING_POSITIONS, GAMIFICATION_PROGRESS, GAMIFICATION_BOARDS):
        product.tables[spec.name].update(driver.table(spec.short_name))
    for partition in range(PARTITIONS):
        part = Product()
        part.tables[FINANCIAL_FEES.name].update(driver.table(FINANCIAL_FEES.short_name, partition=partition))
        fees.update({fact: int(str(amount)) for fact, amount in part.facts().items()})
    return product.facts() | dict(fees)


@pytest.mark.parametrize("together", [False, True], ids=["one-by-one", "all-at-once"])
@pytest.mark.parametrize("shards", [1, 3])
@pytest.mark.sample(2)
def test_the_domains_equal_the_oracle(tmp_path: Path, *, shards: int, together: bool) -> None:
    path = write_fills(tmp_path / "fills.csv", fills=60, users=7)
    specs = [*TOPOLOGY.topic_specs(PARTITIONS, DAY_MS), *TOPOLOGY.changelog_specs(APP_ID, PARTITIONS, DAY_MS)]
    codec = Recent()
    with TestDriver(*domain_apps(), shards=shards, topics=specs) as driver:
        for event in map(command, read_fills(path).fills):
            key, value = event.partitionkey.encode(), codec.encode(event)
            driver.pipe(topics.TRADING_COMMANDS, value, key=key, settle=not together)
        driver.settle()
        assert driver.dead_letters() == []
        facts = facts_of(driver)
    assert_equal(expected_without_windows(fold(oracle_fills.read_fills(path))), facts)
