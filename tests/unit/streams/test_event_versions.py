"""Versions of events: old ones are upcast, newer ones refused with advice, and incompatible changes fail."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal, cast

import msgspec
import orjson
import pytest

from streams.events import CATALOGUE, Event, EventData, UndecodableEventError, decode, encode
from streams.events.market import PriceUpdated
from streams.events.trading import OpenTrade, RiskAlert
from streams.ids import uuid7
from streams.times import Instant
from streams.units import Quantity, Usd
from tests import event_schemas
from tests.example_events import define_v3

V1 = RiskAlert(kind="margin", level="high", trade_id="t-1", margin_usd=Usd.of(150), equity_usd=Usd.of(1_000))
AT = Instant.parse("2024-09-20T08:36:00Z")


def envelope(of: EventData, **changes: Any) -> bytes:
    event: Any = Event.first(of, event_id=uuid7(1, bytes(10)), time=AT, key="ada", rules_version=1)
    return orjson.dumps(orjson.loads(encode(event)) | changes)


def test_an_event_of_an_older_version_is_read_as_the_current_one(catalogue: Any) -> None:
    old = envelope(V1)
    current: Any = define_v3(catalogue)
    event: Any = decode(old)
    assert event.type == "astra.trading.RiskAlert.v3"
    assert event.data == current(kind="margin", level="high", trade_id="t-1", margin_usd=Usd.of(150), share_ppm=150_000)
    assert (event.id, event.time, event.rulesversion) == (uuid7(1, bytes(10)), AT, 1)
    assert decode(encode(event)) == event
    between = orjson.loads(old)
    between["data"]["share_ppm"] = 7
    between["type"] = "astra.trading.RiskAlert.v2"
    assert decode(orjson.dumps(between)).data.share_ppm == 7  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "data", [None, [], {}, {"margin_usd": "x", "equity_usd": "1"}, {"margin_usd": "1", "equity_usd": "0"}]
)
def test_an_old_event_with_wrong_data_is_one_clear_error(catalogue: Any, data: Any) -> None:
    old = envelope(V1, data=data)
    define_v3(catalogue)
    with pytest.raises(UndecodableEventError, match=r"\w"):
        decode(old)


@pytest.mark.parametrize("version", [2, 9999])
def test_a_newer_version_is_refused_with_what_to_do(version: int) -> None:
    with pytest.raises(UndecodableEventError) as raised:
        decode(envelope(V1, type=f"astra.trading.RiskAlert.v{version}"))
    assert str(raised.value) == (
        f"astra.trading.RiskAlert.v{version} is newer than version 1, the newest that this process reads; "
        "upgrade the process, then replay the dead letter"
    )


@pytest.mark.parametrize(
    "name", ["RiskAlert", "RiskAlert.v0", "RiskAlert.v", "RiskAlert.v\u0661", "RiskAlert.v-1", "A.v1"]
)
def test_a_type_that_is_no_version_of_an_event_is_unknown(name: str) -> None:
    with pytest.raises(UndecodableEventError, match="no event of a known type"):
        decode(envelope(V1, type=f"astra.trading.{name}"))


@pytest.mark.parametrize("data", [V1, OpenTrade(market="BTC", side="long", notional_usd=Usd.of(1), leverage=1)])
def test_unknown_fields_are_ignored(data: EventData) -> None:
    raw = orjson.loads(envelope(data))
    raw["data"]["added_later"] = raw["extension"] = "x"
    assert decode(orjson.dumps(raw)).data == data


def test_a_version_without_its_upcaster_is_no_class(catalogue: Any) -> None:
    del catalogue["astra.market.PriceUpdated.v1"]
    with pytest.raises(TypeError, match=r"PriceUpdated\.v2 needs one upcaster for each version below 2"):

        class PriceUpdated(EventData, frozen=True, kw_only=True):
            domain: ClassVar[str] = "market"
            version: ClassVar[int] = 2


def test_two_classes_of_one_event_are_refused(catalogue: Any) -> None:
    with pytest.raises(TypeError, match=r"both define astra\.market\.PriceUpdated"):

        class PriceUpdated(EventData, frozen=True, kw_only=True):
            domain: ClassVar[str] = "market"


# --- the committed schemas --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", CATALOGUE.values(), ids=lambda model: model.type_name)
def test_each_event_fits_its_committed_schema(model: Any) -> None:
    assert list(event_schemas.problems(model)) == []


def test_each_committed_schema_is_of_an_event_that_can_be_read() -> None:
    stems = {model.type_stem: model.version for model in CATALOGUE.values()}
    for path in event_schemas.DIRECTORY.glob("*.json"):
        stem, _, version = path.stem.rpartition(".v")
        assert int(version) <= stems[stem], f"{path.name} is newer than its class"


def price(catalogue: Any, fields: list[Any]) -> type[EventData]:
    catalogue.pop("astra.market.PriceUpdated.v1", None)
    made: Any = msgspec.defstruct(
        "PriceUpdated", fields, bases=(EventData,), namespace={"domain": "market"}, frozen=True, kw_only=True
    )
    return cast("type[EventData]", made)


MARKET: Any = ("market", str)


@pytest.mark.parametrize(
    ("fields", "change"),
    [
        ([MARKET], "the field price was removed"),
        ([MARKET, ("price", Usd)], "the type of the field price was changed"),
        ([MARKET, ("price", int)], "the type of the field price was changed"),
        ([("market", Literal["BTC"]), ("price", Quantity)], "the type of the field market was changed"),
        ([MARKET, ("price", Quantity), ("bid", Quantity)], "the field bid is new and required"),
    ],
)
def test_an_incompatible_change_is_found_and_says_what_to_do(catalogue: Any, fields: Any, change: str) -> None:
    [problem] = event_schemas.problems(price(catalogue, fields))
    assert problem == f"astra.market.PriceUpdated.v1: {change}; {event_schemas.ADVICE}"


def test_a_compatible_change_asks_for_the_schema_and_its_next_version_is_compared_with_it(
    catalogue: Any, tmp_path: Path
) -> None:
    old = event_schemas.text_of(PriceUpdated)
    event_schemas.path_of("astra.market.PriceUpdated.v1", tmp_path).write_text(old)
    added = price(catalogue, [MARKET, ("price", Quantity | None, None), ("bid", Quantity | None, None)])
    [problem] = event_schemas.problems(added, tmp_path)
    assert problem.endswith("compatibly: run python -m tests.event_schemas")
    assert event_schemas.write(tmp_path) == []
    back = price(catalogue, [MARKET, ("price", Quantity), ("bid", Quantity | None, None)])
    assert [problem.partition(";")[0] for problem in event_schemas.problems(back, tmp_path)] == [
        "astra.market.PriceUpdated.v1: the type of the field price was changed",
        "astra.market.PriceUpdated.v1: the field price is required now",
    ]
