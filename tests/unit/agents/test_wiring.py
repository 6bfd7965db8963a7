"""The agents' wiring: same partition number, event time, failures left to the driver."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import faust
import pytest

from agents.app import register_all
from agents.rulebook import Rulebook
from agents.wiring import consume, copy_to_all
from streams import topics
from streams.events import Event, UndecodableEventError, decode, encode
from streams.ids import fill_event_id
from streams.times import Instant
from tables.catalog import CATALOGUE
from tests.unit.agents.world import fill_of

AT = Instant.parse("2024-09-20T08:36:00.5Z")


@dataclass
class Message:
    topic: str = topics.TRADING_COMMANDS
    partition: int = 3
    offset: int = 7


@dataclass
class Delivered:
    value: Any
    message: Message = field(default_factory=Message)


class Stream:
    def __init__(self, *values: Any) -> None:
        self.values = values

    async def events(self) -> Any:
        for value in self.values:
            yield Delivered(value)


class Topic:
    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    async def send(self, **fields: Any) -> None:
        self.sent.append(fields)


def stream_of(*values: Any) -> Any:
    return Stream(*values)


def command() -> bytes:
    return encode(Event.first(fill_of("f-1"), event_id=fill_event_id("tape", "f-1", AT), time=AT, key="ada"))


async def test_what_follows_goes_to_the_same_partition_number_under_the_users_key_at_event_time() -> None:
    out: Any = Topic()
    await consume(stream_of(command()), lambda event: [event.then(event.data)], out)
    (sent,) = out.sent
    assert (sent["key"], sent["partition"], sent["timestamp"]) == (b"ada", 3, 1726821360.5)
    assert decode(sent["value"]).causationid == decode(command()).id


@pytest.mark.parametrize("value", [b"{", None, b"{}"])
async def test_a_message_that_cannot_be_decoded_is_not_passed_over(value: bytes | None) -> None:
    with pytest.raises(UndecodableEventError):
        await consume(stream_of(value), lambda _: [])


async def test_a_failing_rule_is_not_hidden() -> None:
    def broken(_: Any) -> Any:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await consume(stream_of(command()), broken)


async def test_a_mark_is_copied_as_it_is_to_every_partition() -> None:
    out: Any = Topic()
    await copy_to_all(stream_of(command()), out, 4)
    assert [sent["partition"] for sent in out.sent] == [0, 1, 2, 3]
    assert {sent["value"] for sent in out.sent} == {command()}


def test_registering_declares_every_table_and_an_agent_for_every_consumed_topic() -> None:
    app = faust.App("astratrade", broker="kafka://localhost:9", store="memory://", topic_partitions=4)
    register_all(app, Rulebook())
    assert set(app.tables) == {spec.name for spec in CATALOGUE}
    consumed = {(name.rpartition(".")[2], *agent.channel.topics) for name, agent in app.agents.items()}
    assert consumed == {
        ("trading-commands", topics.TRADING_COMMANDS),
        ("trading-prices", topics.MARKET_PRICES),
        ("trading-marks", topics.TRADING_MARKS),
        ("trading-levels", topics.GAMIFICATION_EVENTS),
        ("gamification-trading", topics.TRADING_EVENTS),
        ("financial-trading", topics.TRADING_EVENTS),
    }
