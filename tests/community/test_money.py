"""Random journals about money lead product and oracle to the same rows of all domains, from the same entries."""

from collections import Counter, defaultdict
from random import Random

import pytest

from tests.community.behind import entries_behind
from tests.community.cluster_run import play, stored
from tests.community.compared.engine import differences, rules
from tests.community.money_journal import MoneyJournal
from tests.community.oracle import Community
from tests.unit.agents.cluster import Cluster

ROUNDS = 40
MONEY = ("trading", "financial", "nft")
UNFOLDED = ("financial-due", "financial-audits", "nft-ends")
"""Tables that follow from others in the oracle."""


def moved(seed: int) -> tuple[Cluster, Community, Counter[str]]:
    """Let users move money, in the oracle and in the product, whose domains advance in a random order."""
    community = Community()
    entries = list(MoneyJournal(seed, community).entries(ROUNDS))
    return play(entries, random=Random(seed)), community, Counter(entry.name for entry in entries)


@pytest.fixture(scope="module")
def life() -> tuple[Cluster, Community]:
    cluster, community, _ = moved(3)
    return cluster, community


@pytest.mark.parametrize("seed", range(3))
def test_product_and_oracle_move_the_same_money(seed: int) -> None:
    cluster, community, names = moved(seed)
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
