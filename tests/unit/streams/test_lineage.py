"""Chains of events as trees."""

from __future__ import annotations

from faust_redis.log import TopicPartition

from streams.events import AnyEvent, Event
from streams.events.gamification import XPGained
from streams.events.trading import CloseTrade, TradingResumed
from streams.ids import new_id
from streams.lineage import Found, lines, once
from streams.times import Instant

AT = Instant.parse("2026-01-05T12:00:00Z")
REQUEST: AnyEvent = Event.first(CloseTrade(trade_id="t-1"), event_id=new_id(AT), time=AT, key="ada", rules_version=1)
FACT: AnyEvent = REQUEST.then(TradingResumed())


def xp(amount: int) -> AnyEvent:
    return FACT.then(
        XPGained(amount=amount, multiplier_ppm=1, source="close", source_event_id="x", total_xp=amount),
        name=str(amount),
    )


def found(*events: AnyEvent) -> list[Found]:
    return [Found(TopicPartition(event.data.topic, 1), offset, event) for offset, event in enumerate(events)]


def test_each_event_stands_below_its_cause_and_the_one_asked_for_is_marked() -> None:
    first, second = xp(1), xp(2)
    shown = [line.rsplit("  ", 3)[0] for line in lines(found(second, REQUEST, first, FACT), second.id)]
    assert shown == [
        "CloseTrade  ada",
        "└─ TradingResumed  ada",
        "   ├─ * XPGained  ada",
        "   └─ XPGained  ada",
    ]


def test_an_event_whose_cause_is_gone_is_a_root_and_says_so() -> None:
    note, line = lines(found(FACT))
    assert note == f"(its cause {REQUEST.id} is not in the log any more)"
    assert line == f"TradingResumed  ada  2026-01-05T12:00:00Z  astra.trading.events.v1:1@0  {FACT.id}"


def test_an_event_that_was_copied_to_several_partitions_is_shown_once() -> None:
    twice = [*found(REQUEST), *found(REQUEST)]
    assert len(once(twice)) == len([*lines(twice)]) == 1


def test_a_chain_of_thousands_of_events_is_drawn_on_ten_levels() -> None:
    chain = [REQUEST]
    while len(chain) < 5_000:
        chain.append(chain[-1].then(TradingResumed()))
    shown = [*lines(found(*chain))]
    assert len(shown) == len(chain)
    assert shown[9].startswith(" " * 24 + "└─ TradingResumed  ada")
    assert [line.split("⋮  ")[0] for line in shown[10:]] == [" " * 27] * 4_990
    assert shown[-1].endswith(f"{chain[-1].id}  caused by {chain[-2].id}")
