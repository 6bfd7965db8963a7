"""The agents' wiring: same partition number, event time, failures left to the driver."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import faust
import pytest

from agents.app import register_all
from agents.rulebook import packaged_rulebook
from agents.wiring import broadcast, handle_batch
from streams import topics
from streams.events import Event, UndecodableEventError, decode, encode
from streams.events.recent import Recent
from streams.ids import fill_event_id
from streams.times import Instant
from tables.domains import TOPOLOGY
from tables.unit_of_work import UnitOfWork
from tests.unit.agents.world import World, fill_of

AT = Instant.parse("2024-09-20T08:36:00.5Z")


@dataclass
class Batch:
    """As the driver hands it to an agent."""

    values: list[Any]
    partition: int = 3
    sent: list[dict[str, Any]] = field(default_factory=list)

    def send(self, topic: Any, **fields: Any) -> None:
        self.sent.append({"topic": topic, **fields})


def batch_of(*values: Any) -> Batch:
    return Batch(list(values))


def command(fill_id: str = "f-1", user: str = "ada") -> bytes:
    event_id = fill_event_id("tape", user, fill_id)
    return encode(Event.first(fill_of(fill_id, user), event_id=event_id, time=AT, key=user, rules_version=1))


def doing(batch: Any, handle: Any, out: Any = None, tables: UnitOfWork | None = None) -> None:
    handle_batch(batch, handle=handle, tables=tables or UnitOfWork(lambda _: {}), codec=Recent(), out=out)


def test_what_follows_goes_to_the_same_partition_number_under_the_users_key_at_event_time() -> None:
    batch = batch_of(command())
    doing(batch, lambda event: [event.then(event.data)], "out")
    (sent,) = batch.sent
    assert (sent["topic"], sent["key"], sent["partition"], sent["timestamp_ms"]) == ("out", b"ada", 3, 1726821360500)
    assert decode(sent["value"]).causationid == decode(command()).id


@pytest.mark.parametrize("value", [b"{", None, b"{}"])
def test_a_message_that_cannot_be_decoded_is_not_passed_over(value: bytes | None) -> None:
    with pytest.raises(UndecodableEventError):
        doing(batch_of(value), lambda _: [])


def test_a_failing_rule_is_not_hidden() -> None:
    def broken(_: Any) -> Any:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        doing(batch_of(command()), broken)


def test_a_batch_that_fails_has_written_nothing_and_can_be_worked_again() -> None:
    world = World()
    good = [command(f"f-{n}") for n in range(3)]
    trading = world.trading

    def do(*values: Any) -> list[dict[str, Any]]:
        batch = batch_of(*values)
        doing(batch, trading.command, "out", trading.tables)
        return batch.sent

    with pytest.raises(UndecodableEventError):
        do(*good, b"poison")
    assert not any(world.maps.values())
    assert len(do(*good)) == 3
    assert trading.portfolios.get("ada").live.fills == 3


def test_a_mark_is_copied_as_it_is_to_every_partition() -> None:
    batch: Any = batch_of(command())
    out: Any = "out"
    broadcast(batch, codec=Recent(), out=out, partitions=4)
    assert [sent["partition"] for sent in batch.sent] == [0, 1, 2, 3]
    assert {sent["value"] for sent in batch.sent} == {command()}


def test_registering_declares_every_table_and_an_agent_for_every_consumed_topic() -> None:
    app = faust.App("astratrade", broker="kafka://localhost:9", store="memory://", topic_partitions=4)
    register_all(app, packaged_rulebook())
    assert set(app.tables) == {spec.name for spec in TOPOLOGY.tables}
    consumed = {(name.rpartition(".")[2], *agent.channel.topics) for name, agent in app.agents.items()}
    assert consumed == {
        ("trading-commands", topics.TRADING_COMMANDS),
        ("trading-prices", topics.MARKET_PRICES),
        ("trading-marks", topics.TRADING_MARKS),
        ("trading-levels", topics.GAMIFICATION_EVENTS),
        ("trading-facts", topics.TRADING_EVENTS),
    }
