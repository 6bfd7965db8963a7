"""Random journals about money lead the product and the oracle to the same rows of trading, financial and nft.

The facts of gamification come from the product here: the levels, shards and mints that trades earn.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from random import Random

import pytest

from streams.events import AnyEvent
from streams.events.gamification import AchievementUnlocked, LevelUp
from streams.events.notifications import Notified
from tests.community.behind import entries_behind
from tests.community.cluster_run import play_entry, stored
from tests.community.compared.engine import differences, rules
from tests.community.journal import Entry
from tests.community.money_journal import MoneyJournal
from tests.community.oracle import Community
from tests.community.oracle.crossing import Gamification, Social
from tests.community.oracle.told import Inbox
from tests.unit.agents.cluster import Cluster

ROUNDS = 40
UNFOLDED = ("financial-due", "financial-audits", "nft-ends")
"""Tables that follow from others in the oracle."""
MONEY = ("trading", "financial", "nft")
KINDS = (
    "order_rejected",
    "liquidation",
    "risk_alert",
    "account_suspended",
    "withdrawal_decided",
    "plan_renewed",
    "plan_failed",
    "nft_sold",
    "nft_expired",
)
ACHIEVED = {"trades-1": "first_trade", "level-25": "level_milestone_25", "level-50": "level_milestone_50"}


def money_alone() -> tuple[Community, Inbox]:
    """Return an oracle that computes trading, the ledger and tokens, and its notifications."""
    community, inbox = Community(), Inbox()
    community.social, community.gamification = Social(), Gamification()  # type: ignore[assignment]
    community.user = inbox  # type: ignore[assignment]
    return community, inbox


def tell(community: Community, entry: Entry, events: Sequence[AnyEvent]) -> None:
    """Tell the oracle what the product's gamification has made of an entry."""
    causes = (entry.id,)
    for event in events:
        user, fact = event.partitionkey, event.data
        if isinstance(fact, LevelUp):
            community.trading.levelled(user, fact.max_leverage, entry.at, causes)
        if isinstance(fact, AchievementUnlocked):
            community.financial.granted(user, fact.ss, reason="achievement", at=entry.at, causes=causes)
            if kind := ACHIEVED.get(fact.achievement):
                community.nft.eligible(user, kind, entry.at, causes)


def notifications(cluster: Cluster) -> list[tuple[str, str, str, dict[str, str]]]:
    """Return what the product told users about money: user, kind, text and arguments."""
    told = [(event.partitionkey, event.data) for event in cluster.events if isinstance(event.data, Notified)]
    return [(user, said.kind, said.text, said.arguments) for user, said in told if said.kind in KINDS]


def moved(seed: int, random: Random | None = None) -> tuple[Cluster, Community, Inbox, Counter[str]]:
    """Let users of a seed move money, in the product and in the oracle."""
    community, inbox = money_alone()
    cluster, names = Cluster(4, random=random), Counter[str]()
    for entry in MoneyJournal(seed, community).entries(ROUNDS):
        before = len(cluster.events)
        play_entry(cluster, entry)
        tell(community, entry, cluster.events[before:])
        names[entry.name] += 1
    return cluster, community, inbox, names


@pytest.fixture(scope="module")
def life() -> tuple[Cluster, Community]:
    cluster, community, _, _ = moved(3)
    return cluster, community


@pytest.mark.parametrize("seed", range(3))
def test_product_and_oracle_move_the_same_money(seed: int) -> None:
    cluster, community, inbox, names = moved(seed, Random(seed))
    assert not [one.text() for one in differences(stored(cluster), community.rows(), rules(*MONEY))]
    assert sorted(map(repr, notifications(cluster))) == sorted(map(repr, inbox.told))
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
