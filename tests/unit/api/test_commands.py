"""Commands are parsed without FastAPI's help, with the result that FastAPI would give."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from hypothesis import given
from hypothesis import strategies as st

from api.app import create_app
from api.kit.commands.writer import Submission
from api.trading.fills import fill_entry
from api.trading.models import Fill
from streams.events import Event, decode
from streams.events.trading import ReportFill
from streams.ids import fill_event_id
from streams.times import Instant
from streams.units import PPM, SCALE, USD_UNIT, Quantity, Usd
from tests.integration.api.support import config_of

IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,20}", fullmatch=True)
SHARES = st.integers(0, PPM)
NUMBERS = st.integers(1, 10**11).map(lambda millionths: Quantity(millionths * 10**12))


def plausible(price: Quantity, size: Quantity, fee: int | None, pnl: int, **fields: Any) -> Fill:
    """Return a fill whose notional is price times size; its fee and pnl are millionths of that."""
    notional = max(1, price * size * USD_UNIT // SCALE**2)
    return Fill(
        price=price,
        size=size,
        notional_usd=Usd(notional),
        fee_usd=None if fee is None else Usd(notional * fee // PPM),
        closed_pnl_usd=Usd(notional * pnl // PPM),
        **fields,
    )


@given(
    st.builds(
        plausible,
        fill_id=IDS,
        user_id=IDS,
        trade_id=IDS,
        market=st.sampled_from(["BTC", "kPEPE"]),
        side=st.sampled_from(["buy", "sell"]),
        price=NUMBERS,
        size=NUMBERS | st.just(Quantity.parse("0.00001")),
        fee=st.none() | SHARES,
        pnl=SHARES | SHARES.map(lambda share: -share),
        closes=st.booleans(),
        taker=st.booleans(),
        executed_at=st.integers(0, 10**15).map(Instant),
    )
)
def test_a_fill_is_read_back_as_the_event_that_reports_it(fill: Fill) -> None:
    entry = fill_entry(Submission(Instant(0), None, "venue-1", 7), fill)
    fields = {name: value for name, value in dict(fill).items() if name != "executed_at"}
    expected = Event.first(
        ReportFill(**fields, venue="venue-1"),
        event_id=fill_event_id("venue-1", fill.user_id, fill.fill_id),
        time=fill.executed_at,
        key=fill.user_id,
        subject=fill.trade_id,
        rules_version=7,
    )
    assert decode(entry.value) == expected
    assert (entry.id, entry.key, entry.time_ms) == (expected.id, fill.user_id, fill.executed_at.milliseconds())


def test_no_dependency_of_any_route_takes_a_thread() -> None:
    """FastAPI runs a function that is not a coroutine in a thread: that was a third of a request."""
    app = create_app(config_of("redis://nowhere"))
    routes = [context.original_route for context in iter_route_contexts(app.routes)]
    ours = [route for route in routes if isinstance(route, APIRoute)]
    assert len(ours) >= 19
    for route in ours:
        for dependency in calls(route.dependant):
            asynchronous = inspect.iscoroutinefunction(dependency) or inspect.iscoroutinefunction(
                getattr(dependency, "__call__", None)  # noqa: B004 - of an instance, as FastAPI looks at it
            )
            assert asynchronous, f"{route.path}: {dependency}"


def calls(dependant: Dependant) -> Iterator[object]:
    """Yield a route's endpoint and all its dependencies."""
    yield dependant.call
    for dependency in dependant.dependencies:
        yield from calls(dependency)
