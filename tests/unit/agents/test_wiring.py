"""The agents' wiring: the partition of an event's key, event time, failures left to the driver."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import faust
import pytest
from faust_redis.log.partitioner import partition_for

from agents.gamification.activity import ACTIVITIES, activity_of
from agents.registry import register
from agents.rulebook import packaged_rulebook
from agents.wiring import (
    Broadcast,
    Together,
    WiringError,
    agent_name,
    broadcast,
    classes_of,
    handle_batch,
    partitioner,
    wire,
)
from streams import topics
from streams.events import Event, UndecodableEventError, decode, encode
from streams.events.recent import Recent
from streams.events.trading import FillRejected, TradeRejected
from streams.ids import fill_event_id
from streams.times import Instant
from streams.topology import Domain
from tables import trading
from tables.domains import TOPOLOGY
from tables.unit_of_work import UnitOfWork
from tests.unit.agents.world import World, fill_of

AT = Instant.parse("2024-09-20T08:36:00.5Z")


PARTITIONS = 64


@dataclass
class Batch:
    """A batch as the driver hands it to an agent."""

    values: list[Any]
    sent: list[dict[str, Any]] = field(default_factory=list)

    def send(self, topic: Any, **fields: Any) -> None:
        self.sent.append({"topic": topic, **fields})


def batch_of(*values: Any) -> Batch:
    return Batch(list(values))


def command(fill_id: str = "f-1", user: str = "ada") -> bytes:
    event_id = fill_event_id("tape", user, fill_id)
    return encode(Event.first(fill_of(fill_id, user), event_id=event_id, time=AT, key=user, rules_version=1))


def doing(batch: Any, handle: Any, outputs: Any = None, tables: UnitOfWork | None = None) -> None:
    handle_batch(
        batch,
        handle=handle,
        tables=tables or UnitOfWork(lambda _: {}),
        decode=decode,
        encode=encode,
        outputs=outputs or {},
        partition_of=partitioner(PARTITIONS),
    )


def test_what_follows_goes_to_the_partition_of_its_key_at_event_time() -> None:
    batch = batch_of(command())
    doing(
        batch,
        lambda event: [event.then(event.data, key=key) for key in ("ada", "bob")],
        {topics.TRADING_COMMANDS: "out"},
    )
    sent, to_bob = batch.sent
    assert (sent["topic"], sent["key"], sent["timestamp_ms"]) == ("out", b"ada", 1726821360500)
    assert sent["partition"] == partition_for(b"ada", PARTITIONS)
    assert (to_bob["key"], to_bob["partition"]) == (b"bob", partition_for(b"bob", PARTITIONS))
    assert sent["partition"] != to_bob["partition"]
    assert decode(sent["value"]).causationid == decode(command()).id


@pytest.mark.parametrize("value", [b"{", None, b"{}"])
def test_a_message_that_cannot_be_decoded_is_not_skipped(value: bytes | None) -> None:
    with pytest.raises(UndecodableEventError):
        doing(batch_of(value), lambda _: [])


def test_trading_has_no_other_activities_than_those_that_gamification_decodes() -> None:
    others = set(classes_of(topics.TRADING_EVENTS)) - set(ACTIVITIES)
    assert {TradeRejected, FillRejected} <= others
    looks_like: dict[Any, Any] = {model: type("Like", (), {"__class__": model})() for model in others}
    assert all(isinstance(one, model) and activity_of(one) is None for model, one in looks_like.items())


def test_a_failing_rule_is_not_hidden() -> None:
    def broken(_: Any) -> Any:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        doing(batch_of(command()), broken)


def test_a_batch_that_fails_has_written_nothing_and_can_be_worked_again() -> None:
    world = World()
    good = [command(f"f-{n}") for n in range(3)]
    domain = world.trading

    def do(*values: Any) -> list[dict[str, Any]]:
        batch = batch_of(*values)
        doing(batch, Together(domain.commands), dict.fromkeys(trading.DOMAIN.produces, "out"), domain.tables)
        return batch.sent

    with pytest.raises(UndecodableEventError):
        do(*good, b"poison")
    assert not any(world.maps.values())
    assert [decode(record["value"]).type for record in do(*good)].count("astra.trading.TradeExecuted.v1") == 3
    assert domain.portfolios.get("ada").live.fills == 3


def test_a_mark_is_copied_as_it_is_to_every_partition() -> None:
    batch: Any = batch_of(command())
    out: Any = "out"
    broadcast(batch, codec=Recent(), out=out, partitions=4)
    assert [sent["partition"] for sent in batch.sent] == [0, 1, 2, 3]
    assert {sent["value"] for sent in batch.sent} == {command()}


def new_app() -> faust.App:
    return faust.App("astratrade", broker="kafka://localhost:9", store="memory://", topic_partitions=4)


@pytest.mark.parametrize("at_least_once", [False, True])
@pytest.mark.parametrize("domain", TOPOLOGY.domains, ids=lambda domain: domain.name)
def test_a_domain_declares_its_tables_and_an_agent_for_each_topic_it_consumes(
    domain: Domain, *, at_least_once: bool
) -> None:
    app = new_app()
    register(app, domain.name, packaged_rulebook(), Recent(), at_least_once=at_least_once)
    used = [spec for spec in domain.tables if at_least_once or not spec.only_at_least_once]
    assert set(app.tables) == {spec.short_name for spec in used}
    consumed = {name.rpartition(".")[2]: agent.channel.topics for name, agent in app.agents.items()}
    assert consumed == {agent_name(topic): (topic,) for topic in domain.consumes}


def test_agents_are_named_after_their_topic() -> None:
    assert agent_name(topics.TRADING_COMMANDS) == "trading-commands"


def test_handlers_for_other_topics_than_the_domain_consumes_are_refused() -> None:
    with pytest.raises(WiringError, match="trading consumes"):
        wire(new_app(), trading.DOMAIN, UnitOfWork(lambda _: {}), Recent(), {topics.TRADING_COMMANDS: lambda _: []})


def test_a_broadcast_that_is_not_declared_is_refused() -> None:
    undeclared = replace(trading.DOMAIN, broadcasts=frozenset())
    handlers: dict[str, Any] = dict.fromkeys(undeclared.consumes, lambda _: [])
    handlers[topics.MARKET_PRICES] = Broadcast(topics.TRADING_MARKS)
    with pytest.raises(WiringError, match="does not declare"):
        wire(new_app(), undeclared, UnitOfWork(lambda _: {}), Recent(), handlers)


def test_an_event_of_a_topic_that_the_domain_does_not_produce_is_refused() -> None:
    with pytest.raises(WiringError, match="which this domain does not produce"):
        doing(batch_of(command()), lambda event: [event.then(event.data)])
