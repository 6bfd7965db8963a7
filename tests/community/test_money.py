"""Random journals about money lead product and oracle to the same rows of all domains, from the same entries."""

from collections import Counter, defaultdict
from random import Random

import pytest

from tests.community.behind import entries_behind
from tests.community.cluster_run import play, play_entry, stored
from tests.community.compared.engine import differences, rules
from tests.community.journal import TICK
from tests.community.money_journal import MoneyJournal
from tests.community.oracle import Community
from tests.unit.agents.cluster import Cluster

ROUNDS = 40
MONEY = ("trading", "financial", "nft")
UNFOLDED = ("financial-deadlines", "financial-audits", "financial-plan-users", "nft-deadlines")
"""Tables that follow from others in the oracle."""


@pytest.fixture(scope="module")
def life() -> tuple[Cluster, Community]:
    community = Community()
    return play(list(MoneyJournal(3, community).entries(ROUNDS))), community


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.sample(1)
def test_product_and_oracle_move_the_same_money(seed: int) -> None:
    """The domains advance in a random order. Rows are compared after each tick, before the next entry hides a fault."""
    community, cluster, names = Community(), Cluster(4, random=Random(seed)), Counter[str]()
    for entry in MoneyJournal(seed, community).entries(ROUNDS):
        play_entry(cluster, entry)
        names[entry.name] += 1
        if entry.name == TICK:
            assert not [one.text() for one in differences(stored(cluster), community.rows(), rules(*MONEY))]
    assert not [one.text() for one in differences(stored(cluster), community.rows(), rules())]
    assert set(community.financial.ledger.sums().values()) == {0}
    assert len(names) > 15, names


@pytest.mark.parametrize("domain", MONEY)
def test_each_row_of_money_comes_from_the_entries_that_the_oracle_folded_into_it(
    domain: str, life: tuple[Cluster, Community]
) -> None:
    cluster, community = life
    behind: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
    for place, entries in entries_behind(cluster, domain).items():
        behind[place.table, place.key] |= entries
    compared = {place for place in behind if place[0] in rules(domain).tables and place[0] not in UNFOLDED}
    assert len(compared) > 10
    assert not [place for place in compared if behind[place] != community.folded(*place)]
