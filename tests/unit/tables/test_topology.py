"""The declared topology: paths, groups, topic lists, and refusal of contradictory declarations."""

from __future__ import annotations

from typing import Any

import pytest

from streams import topics
from streams.events.trading import OpenTrade
from streams.topology import Domain, TableSpec, Topology, TopologyError, changelog_topic, joined
from tables import financial, gamification, trading
from tables.domains import TOPOLOGY


def test_paths_lead_from_commands_to_tables() -> None:
    assert TOPOLOGY.path(topics.TRADING_COMMANDS, "trading-portfolio") == (("trading", topics.TRADING_COMMANDS),)
    assert TOPOLOGY.path(topics.TRADING_COMMANDS, "gamification-progress") == (
        ("trading", topics.TRADING_COMMANDS),
        ("gamification", topics.TRADING_EVENTS),
    )
    assert TOPOLOGY.path(topics.MARKET_PRICES, "trading-positions") == (
        ("trading", topics.MARKET_PRICES),
        ("trading", topics.TRADING_MARKS),
    )
    assert TOPOLOGY.path(topics.MARKET_PRICES, "financial-fees") == (
        ("trading", topics.MARKET_PRICES),
        ("trading", topics.TRADING_MARKS),
        ("financial", topics.TRADING_EVENTS),
    )


def test_a_path_includes_the_handovers_of_a_command_within_its_domain() -> None:
    command, own = ("social", topics.SOCIAL_COMMANDS), ("social", topics.SOCIAL_EVENTS)
    assert TOPOLOGY.path(topics.SOCIAL_COMMANDS, "social-people") == (command, own)
    assert TOPOLOGY.path(topics.SOCIAL_COMMANDS, "social-follows") == (command, own, own)
    assert TOPOLOGY.path(topics.SOCIAL_COMMANDS, "social-profiles") == (command,)
    assert TOPOLOGY.path(topics.SOCIAL_EVENTS, "social-people") == (own,)
    assert TOPOLOGY.path(topics.FINANCIAL_COMMANDS, "financial-ledger") == (
        ("financial", topics.FINANCIAL_COMMANDS),
        ("financial", topics.FINANCIAL_EVENTS),
    )
    assert TOPOLOGY.path(topics.TRADING_COMMANDS, "financial-ledger")[-1] == ("financial", topics.TRADING_EVENTS)
    for table in TOPOLOGY.tables:
        for model in TOPOLOGY.owner(table.name).commands if table.handovers else ():
            assert len(TOPOLOGY.path(model.topic, table.name)) == 1 + table.handovers


def test_a_table_shows_nothing_of_a_topic_that_leads_nowhere() -> None:
    assert TOPOLOGY.path(topics.FINANCIAL_FEES, "financial-fees") == ()


def test_each_domain_has_a_group_and_its_tables_the_changelogs_of_that_group() -> None:
    assert TOPOLOGY.groups("demo") == {name: f"demo-{name}" for name in TOPOLOGY.names}
    for table in TOPOLOGY.tables:
        group = TOPOLOGY.group("demo", TOPOLOGY.owner(table.name).name)
        assert changelog_topic("demo", table.name) == changelog_topic(group, table.short_name)


def test_topics_that_are_fed_from_outside_come_first_and_each_other_topic_has_a_producer() -> None:
    assert TOPOLOGY.client_topics[:2] == (topics.TRADING_COMMANDS, topics.MARKET_PRICES)
    fed = len(TOPOLOGY.fed_topics)
    assert TOPOLOGY.topics[:fed] == TOPOLOGY.fed_topics
    assert all(TOPOLOGY.producers(topic) for topic in TOPOLOGY.topics[fed:])
    assert TOPOLOGY.broadcasts == {topics.TRADING_MARKS}


def spec(name: str, *sources: str) -> TableSpec[Any]:
    return TableSpec(name, None, sources)


TRADED = (topics.TRADING_EVENTS,)
CONTRADICTIONS = {
    "2 declarations of the domain 'trading'": [trading.DOMAIN],
    "other produces astra.trading.events.v1, which belongs to trading": [
        Domain(name="other", consumes=TRADED, produces={topics.TRADING_EVENTS: TRADED})
    ],
    "2 declarations of the table": [
        Domain(name="other", consumes=TRADED, tables=(spec("other-a", *TRADED), spec("other-a", *TRADED)))
    ],
    "consumes nowhere, which no domain, client or other source produces": [Domain(name="other", consumes=("nowhere",))],
    "owns table 'trading-x'": [Domain(name="other", consumes=TRADED, tables=(spec("trading-x", *TRADED),))],
    "owns table 'other'": [Domain(name="other", consumes=TRADED, tables=(spec("other", *TRADED),))],
    "writes other-x from nowhere": [Domain(name="other", consumes=TRADED, tables=(spec("other-x", "nowhere"),))],
    "produces out from nowhere": [Domain(name="other", consumes=TRADED, produces={"out": ("nowhere",)})],
    "accepts commands in": [Domain(name="other", consumes=TRADED, commands=(OpenTrade,))],
    "broadcasts out, which it does not produce": [
        Domain(name="other", consumes=TRADED, broadcasts=frozenset({"out"}))
    ],
    "expected a domain's name": [Domain(name="a-b", consumes=TRADED)],
}  # fmt: skip


@pytest.mark.parametrize("message", CONTRADICTIONS)
def test_contradicting_declarations_are_refused(message: str) -> None:
    with pytest.raises(TopologyError, match=message):
        Topology((*TOPOLOGY.domains, *CONTRADICTIONS[message]), sources=TOPOLOGY.sources)


def test_other_sources_have_topics_that_domains_may_consume() -> None:
    assert TOPOLOGY.sources[topics.USER_EVENTS] == ("relay",)
    assert set(TOPOLOGY.sources) <= {spec.name for spec in TOPOLOGY.topic_specs()}
    reader = Domain(name="reader", consumes=(topics.USER_EVENTS,))
    with pytest.raises(TopologyError, match=r"consumes astra\.user\.events\.v1"):
        Topology([reader])
    topology = Topology([reader], sources={topics.USER_EVENTS: ("relay",)})
    assert topology.consumers(topics.USER_EVENTS) == (reader,)
    assert topology.fed_topics == (topics.USER_EVENTS,)


def test_several_domains_may_produce_a_topic_that_belongs_to_none() -> None:
    shared = {topics.NOTIFICATIONS: TRADED}
    other = Domain(name="other", consumes=TRADED, produces=shared)
    another = Domain(name="another", consumes=TRADED, produces=shared)
    topology = Topology((*TOPOLOGY.domains, other, another), sources=TOPOLOGY.sources)
    assert {domain.name for domain in topology.producers(topics.NOTIFICATIONS)} >= {"other", "another"}


def test_a_consumer_without_the_producer_is_refused() -> None:
    with pytest.raises(TopologyError, match="trading consumes"):
        Topology((trading.DOMAIN, financial.DOMAIN))
    elsewhere = dict.fromkeys((topics.FINANCIAL_EVENTS, topics.SOCIAL_EVENTS), ("elsewhere",))
    both = Topology((trading.DOMAIN, gamification.DOMAIN), sources={**TOPOLOGY.sources, **elsewhere})
    assert both.names == ("trading", "gamification")


def test_the_parts_of_a_domain_join_into_one_declaration() -> None:
    one = Domain(
        name="a", consumes=("t1", "t2"), produces={"out": ("t1",)}, tables=(TableSpec("a-one", None, ("t1",)),)
    )
    two = Domain(name="a", consumes=("t2", "t3"), produces={"out": ("t3", "t1"), "more": ("t2",)})
    whole = joined(one, two)
    assert whole.consumes == ("t1", "t2", "t3")
    assert whole.produces == {"out": ("t1", "t3"), "more": ("t2",)}
    assert [table.name for table in whole.tables] == ["a-one"]
