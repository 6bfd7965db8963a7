"""Events travel as CloudEvents JSON and come back equal; anything else is refused with one error."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from streams.events import CATALOGUE, Event, UndecodableEventError, decode, encode
from streams.events.base import ID_PATTERN, MARKET_PATTERN, Market, UserId
from streams.events.market import PriceUpdated
from streams.events.recent import Recent
from streams.events.trading import OpenTrade, ReportFill, TradeExecuted
from streams.events.wanted import Wanted
from streams.ids import fill_event_id, new_id
from streams.times import Instant
from streams.units import Quantity, Usd
from streams.wire import WireError
from tables.domains import TOPOLOGY

AT = Instant.parse("2024-09-20T08:36:00Z")
FILL = {
    "fill_id": "f-1",
    "user_id": "trader-2",
    "trade_id": "38080604649",
    "market": "@107",
    "side": "sell",
    "price": "3.28",
    "size": "1.00E-05",
    "notional_usd": "2332.57",
    "fee_usd": "0.223926",
    "venue": "tape",
}


def reported(**fields: Any) -> Any:
    return Event.first(ReportFill.of(FILL | fields), event_id=new_id(AT), time=AT, key="trader-2", rules_version=3)


def test_an_event_comes_back_equal() -> None:
    event = reported()
    assert decode(encode(event)) == event


def test_an_event_has_exactly_these_bytes() -> None:
    event = Event.first(
        ReportFill.of(FILL), event_id=fill_event_id("tape", "trader-2", "f-1"), time=AT, key="trader-2", rules_version=3
    )
    assert encode(event) == (
        b'{"specversion":"1.0","id":"63d3b86d-374b-89a8-85b9-0187987e315c","source":"astratrade/trading",'
        b'"type":"astra.trading.ReportFill.v1","subject":"trader-2","time":"2024-09-20T08:36:00Z",'
        b'"partitionkey":"trader-2","correlationid":"63d3b86d-374b-89a8-85b9-0187987e315c","rulesversion":3,"data":{"fill_id":"f-1",'
        b'"user_id":"trader-2","trade_id":"38080604649","market":"@107","side":"sell","price":"3.28","size":"0.00001",'
        b'"notional_usd":"2332.57","fee_usd":"0.223926","closed_pnl_usd":"0.00","closes":false,"taker":true,'
        b'"venue":"tape"}}'
    )


def test_an_event_written_a_moment_ago_is_known_again_and_others_are_decoded() -> None:
    codec, events = Recent(recent_max=2), [reported(fill_id=f"f-{number}") for number in range(5)]
    raws = [codec.encode(event) for event in events]
    known = [codec.decode(bytes(bytearray(raw))) for raw in raws]
    assert known == events
    assert [one is event for one, event in zip(known, events, strict=True)] == [False, False, True, True, True]
    for raw in (None, b"{"):
        with pytest.raises(UndecodableEventError):
            codec.decode(raw)


def test_only_events_that_a_domain_of_the_process_needs_are_cached() -> None:
    event = reported()
    for classes, cached in ((None, True), ((ReportFill,), True), ((), False)):
        codec = Recent(classes=classes)
        raw = codec.encode(event)
        assert (codec.decode(raw) is event) == cached
        assert codec.decode_from_client(raw) == codec.decode(raw) == event
    codec = Recent(classes=())
    codec.expect((ReportFill,))
    assert codec.decode(codec.encode(event)) is event


def test_only_events_that_surely_have_another_class_are_left_out() -> None:
    fill, price = reported(), reported().then(PriceUpdated(market="BTC", price=Quantity.of(60_000)))
    wanted = Wanted((PriceUpdated,))
    assert (wanted(encode(fill)), wanted(encode(price))) == (False, True)
    name = b'"type":"astra.trading.ReportFill.v1"'
    unclear = (None, b"{", b"{}", encode(fill)[:-1] + b' , "data2":{}}', b'{"data":{' + name + b'},"type":"x"}')
    assert [wanted(raw) for raw in unclear] == [True, True, True, False, True]
    assert wanted(encode(fill).replace(name, b'"type":"astra.trading.ReportFill.v9"'))
    assert wanted(encode(fill).replace(name, b'"type":"astra.trading.Unknown.v1"'))


def test_the_envelope_is_cloudevents_1_0() -> None:
    event = reported()
    wire = orjson.loads(encode(event))
    assert wire["specversion"] == "1.0"
    assert wire["source"] == "astratrade/trading"
    assert wire["type"] == "astra.trading.ReportFill.v1"
    assert wire["time"] == "2024-09-20T08:36:00Z"
    assert wire["partitionkey"] == wire["subject"] == "trader-2"
    assert wire["correlationid"] == wire["id"]
    assert "causationid" not in wire
    assert wire["data"]["notional_usd"] == "2332.57"
    assert wire["data"]["size"] == "0.00001"


def test_what_follows_keeps_time_key_and_correlation_and_names_its_cause() -> None:
    cause = reported()
    price = PriceUpdated(market="BTC", price=Quantity.of(60_000))
    after = cause.then(price).then(price)
    assert (after.time, after.partitionkey, after.correlationid) == (AT, "trader-2", cause.id)
    assert after.causationid == cause.then(price).id
    assert cause.then(price).id == cause.then(price).id
    assert cause.then(price, name="other").id != cause.then(price).id
    assert decode(encode(after)) == after


@pytest.mark.parametrize(
    "change",
    [
        {"notional_usd": 2332.57},
        {"notional_usd": 2332},
        {"notional_usd": "0"},
        {"notional_usd": "-1.00"},
        {"fee_usd": "-0.01"},
        {"fee_usd": "0.123456789"},
        {"price": "0"},
        {"price": 3.28},
        {"size": "-1"},
        {"market": "a|b"},
        {"market": "a/b"},
        {"market": "global"},
        {"user_id": "a|b"},
        {"trade_id": "-a"},
        {"fill_id": "x" * 65},
        {"fill_id": ""},
        {"user_id": "a\n"},
        {"trade_id": "a\nb"},
        {"market": "BTC\na"},
        {"side": "long"},
        {"closes": "yes"},
        {"taker": 1},
    ],
)
def test_a_fill_with_a_wrong_field_is_refused(change: Any) -> None:
    with pytest.raises(WireError):
        ReportFill.of(FILL | change)


def allowed(kind: Any, text: str) -> bool:
    try:
        TypeAdapter(kind).validate_python(text)
    except ValidationError:
        return False
    return True


NAMES = st.from_regex(ID_PATTERN, fullmatch=True) | st.text("a-@|\n\u0661", max_size=4) | st.just("global")


@given(st.sampled_from(["fill_id", "user_id", "trade_id", "venue"]), NAMES)
def test_a_fill_may_have_the_ids_that_the_ingress_allows(field: Any, name: Any) -> None:
    if allowed(UserId, name):
        assert ReportFill.of(FILL | {field: name})
    else:
        with pytest.raises(WireError, match="expected ids"):
            ReportFill.of(FILL | {field: name})


@given(NAMES | st.from_regex(MARKET_PATTERN, fullmatch=True))
def test_a_fill_may_have_the_markets_that_the_ingress_allows(name: Any) -> None:
    if allowed(Market, name):
        assert ReportFill.of(FILL | {"market": name})
    else:
        with pytest.raises(WireError, match="name of a market"):
            ReportFill.of(FILL | {"market": name})


@pytest.mark.parametrize(
    "change", [{"fee_usd": "0"}, {"closed_pnl_usd": "-29370.1198"}, {"market": "kPEPE"}, {"fee_usd": None}]
)
def test_a_fill_may_be_free_of_fees_or_lose(change: Any) -> None:
    assert ReportFill.of(FILL | change)


@pytest.mark.parametrize("leverage", [0, -1, 1.5, "10", True, 1_001])
def test_leverage_is_a_whole_number_of_at_least_1(leverage: Any) -> None:
    with pytest.raises(WireError):
        OpenTrade.of({"market": "BTC", "side": "long", "notional_usd": "1", "leverage": leverage})


def wire(**changes: Any) -> Any:
    return orjson.dumps(orjson.loads(encode(reported())) | changes)


@pytest.mark.parametrize(
    "raw",
    [
        None,
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b"null",
        b'{"type": ["x"]}',
        wire(type="astra.trading.Unknown.v1"),
        wire(type=None),
        wire(data=None),
        wire(data={}),
        wire(data=FILL | {"price": "0"}),
        wire(data=FILL | {"notional_usd": "-5.00"}),
        wire(data=FILL | {"market": "a|b"}),
        wire(data=FILL | {"fill_id": "a\n"}),
        wire(id="1"),
        wire(id="x" * 36),
        wire(specversion="0.3"),
        wire(time="yesterday"),
        wire(time="2024-02-30T00:00:00Z"),
        wire(time=1726821360),
        wire(partitionkey=""),
        b" " * 65_537,
    ],
)
def test_bytes_that_are_no_event_give_one_clear_error(raw: Any) -> None:
    with pytest.raises(UndecodableEventError, match=r"\w"):
        decode(raw)


EXECUTED = {
    "trade_id": "t",
    "fill_id": "f",
    "venue": "v",
    "market": "BTC",
    "side": "buy",
    "mode": "live",
    "price": "1",
    "size": "1",
    "notional_usd": "1",
    "fee_usd": "0",
    "closed_pnl_usd": "0",
    "closes": False,
}


def test_facts_tolerate_fields_that_are_added_later() -> None:
    assert TradeExecuted.of(EXECUTED | {"later": 1}).notional_usd == Usd.of(1)


@pytest.mark.parametrize(
    ("change", "closing"), [({}, False), ({"closes": True}, True), ({"closed_pnl_usd": "-0.00000001"}, True)]
)
def test_a_fill_closes_when_it_says_so_or_has_pnl(change: Any, closing: Any) -> None:
    assert TradeExecuted.of(EXECUTED | change).closing is closing


def test_every_type_of_the_catalogue_is_named_after_its_domain_and_class() -> None:
    assert TradeExecuted.event_type() in CATALOGUE
    for name, model in CATALOGUE.items():
        assert name == f"astra.{model.domain}.{model.__name__}.v1"


def test_all_topics_have_the_same_partitions() -> None:
    specs = TOPOLOGY.topic_specs(7)
    assert [spec.name for spec in specs] == list(TOPOLOGY.topics)
    assert {spec.partitions for spec in specs} == {7}
