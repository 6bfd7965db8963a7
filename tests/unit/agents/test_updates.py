"""PositionUpdated and PortfolioUpdated: the last state of a batch, once for each position and user."""

from __future__ import annotations

from streams.events import AnyEvent, Event
from streams.events.trading import PortfolioUpdated, PositionUpdated
from streams.ids import fill_event_id
from streams.times import Instant
from streams.units import Quantity, Usd
from tests.unit.agents.world import World, fill_of, of_type

AT = Instant.parse("2024-09-20T08:00:00Z")


def report(fill_id: str, user: str = "ada", market: str = "BTC") -> AnyEvent:
    data = fill_of(fill_id, user, market=market)
    event_id = fill_event_id(data.venue, user, fill_id)
    return Event.first(data, event_id=event_id, time=AT, key=user, rules_version=1)


def test_a_batch_tells_the_last_state_of_each_position_and_portfolio_once(world: World) -> None:
    batch = [report("f-1"), report("f-2"), report("f-3", market="ETH"), report("f-4", "bob")]
    events = world.trading.commands(batch)
    moved = [(event.partitionkey, event.data) for event in events if isinstance(event.data, PositionUpdated)]
    assert [(user, data.market, data.quantity.text()) for user, data in moved] == [
        ("ada", "BTC", "0.05"), ("ada", "ETH", "0.025"), ("bob", "BTC", "0.025"),
    ]  # fmt: skip
    summed = {event.partitionkey: event for event in events if isinstance(event.data, PortfolioUpdated)}
    assert summed["ada"].data.live_volume_usd == Usd.of(4_500)
    assert summed["bob"].data.live_volume_usd == Usd.of(1_500)
    assert summed["ada"].causationid == batch[2].id
    assert len({event.id for event in events}) == len(events) == 9
    assert world.trading.commands(batch) == []


def test_orders_closes_and_liquidations_tell_of_the_practice_account(world: World) -> None:
    world.price("BTC", "60000", "2024-09-20T08:00:00Z")
    opened = world.order("2024-09-20T08:01:00Z")
    (position,), (portfolio,) = of_type(opened, PositionUpdated), of_type(opened, PortfolioUpdated)
    assert (position.mode, position.quantity) == ("practice", Quantity.parse("0.025"))
    assert (portfolio.practice_margin_usd, portfolio.live_volume_usd) == (Usd.of(150), 0)
    world.order("2024-09-20T08:02:00Z", user="bob")
    liquidated = world.price("BTC", "50000", "2024-09-20T08:03:00Z")
    assert [data.quantity for data in of_type(liquidated, PositionUpdated)] == [0, 0]
    assert [data.practice_margin_usd for data in of_type(liquidated, PortfolioUpdated)] == [0, 0]
    assert of_type(world.price("BTC", "49000", "2024-09-20T08:04:00Z"), PositionUpdated) == []


def test_a_rejected_order_tells_of_no_position(world: World) -> None:
    assert of_type(world.order("2024-09-20T08:01:00Z"), PortfolioUpdated) == []
