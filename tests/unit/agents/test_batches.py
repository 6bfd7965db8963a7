"""Commands in batches of any size give the same rows and events, byte for byte, as one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import groupby
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from agents.gamification.standings import Sums
from agents.wiring import Handler, Together, handle_batch, partitioner
from streams import topics
from streams.events import AnyEvent, Event, decode, encode
from streams.events.market import PriceUpdated
from streams.events.recent import Recent
from streams.events.trading import CloseTrade, OpenTrade
from streams.ids import fill_event_id, opened_trade_id, uuid7
from streams.times import HOUR_US, Instant
from streams.trace_context import at_event
from tables.boards import Standing, periods_of
from tables.domains import TOPOLOGY
from tests.unit.agents.test_wiring import batch_of
from tests.unit.agents.world import World, fill_of

START = Instant.parse("2024-12-29T00:00:00Z")
AT = "2024-09-20T08:36:00Z"
LATER = "2024-09-20T09:00:00Z"


def made(number: int, drawn: tuple[str, str, int, int, int, int]) -> AnyEvent:
    """Return a command; some fills come twice, some a day late, some with pnl that cancels out."""
    kind, user, trade, amount, pnl, hour = drawn
    time = Instant(START + hour * HOUR_US)
    event_id = uuid7(time.milliseconds(), number.to_bytes(10))
    if kind == "order":
        order = OpenTrade.of({"market": "BTC", "side": "long", "notional_usd": str(amount), "leverage": 10})
        return Event.first(order, event_id=event_id, time=time, key=user, rules_version=1)
    if kind == "close":
        close = CloseTrade(trade_id=opened_trade_id(uuid7(time.milliseconds(), trade.to_bytes(10))))
        return Event.first(close, event_id=event_id, time=time, key=user, rules_version=1)
    if kind == "price":
        price = PriceUpdated.of({"market": "BTC", "price": str(40_000 + amount)})
        return Event.first(price, event_id=event_id, time=time, key="BTC", rules_version=1)
    name = f"f-{number // 2}"
    fields = {"trade_id": f"t-{trade}", "notional_usd": str(amount), "closed_pnl_usd": str(pnl), "closes": trade == 0}
    market = "BTC" if trade else "ETH"
    event_id = fill_event_id("tape", user, name)
    return Event.first(
        fill_of(name, user, market=market, **fields), event_id=event_id, time=time, key=user, rules_version=1
    )


COMMANDS = st.lists(
    st.tuples(
        st.sampled_from(["fill", "fill", "fill", "order", "close", "price"]),
        st.sampled_from(["ada", "bob"]),
        st.integers(0, 3),
        st.integers(1, 30_000),
        st.sampled_from([0, 0, 5, -5, 70]),
        st.integers(0, 80),
    ),
    min_size=1,
    max_size=30,
)


def run(commands: list[AnyEvent], size: int) -> tuple[Any, Any]:
    """Return all rows and each topic's events, after every domain took its input in batches of a size."""
    world, codec = World(), Recent()
    sent: dict[str, list[bytes]] = defaultdict(list)

    outputs = {topic: topic for topic in TOPOLOGY.topics}

    def do(values: list[bytes], domain: Any, handle: Handler | Together, out: Any) -> list[bytes]:
        first = len(sent[out])
        for start in range(0, len(values), size):
            batch = batch_of(*values[start : start + size])
            handle_batch(
                batch, handle=handle, tables=domain.tables, decode=codec.decode, encode=codec.encode, outputs=outputs,
                partition_of=partitioner(1),
            )  # fmt: skip
            for record in batch.sent:
                sent[record["topic"] if record["topic"] == topics.TRADING_POSITIONS else out].append(record["value"])
        return sent[out][first:]

    def commands_and_marks(events: Sequence[AnyEvent]) -> list[AnyEvent]:
        followed: list[AnyEvent] = []
        for are_marks, some in groupby(events, lambda event: isinstance(event.data, PriceUpdated)):
            if are_marks:
                followed += [effect for mark in some for effect in world.trading.mark(mark)]
            else:
                followed += world.trading.commands(list(some))
        return followed

    facts = do(
        [encode(command) for command in commands], world.trading, Together(commands_and_marks), topics.TRADING_EVENTS
    )
    earned = do(facts, world.gamification, Together(world.gamification.traded_together), topics.GAMIFICATION_EVENTS)
    do(facts, world.financial, Together(world.financial.traded_together), topics.FINANCIAL_FEES)
    do(earned, world.trading, world.trading.gamified, "")
    return {name: dict(rows) for name, rows in world.maps.items()}, dict(sent)


def last_of_each(updates: list[bytes]) -> dict[Any, Any]:
    """Return the last update of each position and portfolio. How many come before depends on the size of batches."""
    last = {}
    for event in map(decode, updates):
        names = [getattr(event.data, name, None) for name in ("market", "mode")]
        last[type(event.data), event.partitionkey, *names] = event
    return last


@settings(max_examples=60)
@given(COMMANDS, st.integers(2, 31))
def test_batches_of_any_size_give_the_same_rows_and_events(commands: Any, size: Any) -> None:
    events = [made(number, drawn) for number, drawn in enumerate(commands)]
    (rows, sent), (rows_of_one, sent_of_one) = run(events, size), run(events, 1)
    assert rows == rows_of_one
    updates, updates_of_one = (each.pop(topics.TRADING_POSITIONS, []) for each in (sent, sent_of_one))
    assert sent == sent_of_one
    assert last_of_each(updates) == last_of_each(updates_of_one)


POINTS = st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 9)), min_size=1, max_size=6)


@given(st.none() | st.tuples(st.integers(-3, 3), st.integers(0, 9)), POINTS)
def test_summed_points_leave_the_same_standing_as_single_points(before: Any, points: Any) -> None:
    standing = Standing(*before) if before else None
    one_by_one = standing
    for amount, at in points:
        if one_by_one is None:
            one_by_one = Standing(amount, at)
        elif amount:
            one_by_one = Standing(one_by_one.score + amount, at)
    together = Sums(periods_of(START))
    for point in points:
        together.add("pnl", *point)
    standings = {"all/pnl": standing.ranked} if standing else {}
    together.add_to(standings, {"pnl": ["all/pnl"]}, ())
    assert Standing.of(standings["all/pnl"]) == one_by_one


def test_a_gain_and_a_loss_that_cancel_out_in_a_batch_move_when_the_score_was_reached(world: World) -> None:
    world.fill("f-0", AT, closed_pnl_usd="7")
    with world.gamification.tables.batch():
        world.fill("f-1", AT, closed_pnl_usd="5")
        world.fill("f-2", LATER, closed_pnl_usd="-5")
    assert world.score("global/all/pnl") == (7 * 10**8, Instant.parse(LATER))


def test_the_standings_of_a_scope_are_written_once_a_batch() -> None:
    writes: list[bytes] = []

    class Watched(dict[bytes, bytes]):
        def __setitem__(self, key: bytes, value: bytes) -> None:
            writes.append(key)
            super().__setitem__(key, value)

    watched = World(maps={"gamification-boards": Watched()})
    with watched.gamification.tables.batch():
        for number in range(20):
            watched.fill(f"f-{number}", AT, closed_pnl_usd="5")
    assert len(writes) == len(set(writes)) == len(watched.maps["gamification-boards"]) == 2


@settings(max_examples=60)
@given(COMMANDS, st.integers(1, 31), st.sampled_from(["00", "01"]))
def test_every_event_that_follows_carries_the_trace_of_its_command(commands: Any, size: Any, flags: str) -> None:
    plain = [made(number, drawn) for number, drawn in enumerate(commands)]  # a repeated fill has one id, so one trace
    events = [replace(event, traceparent=f"00-{event.id.replace('-', '')}-{1:016x}-{flags}") for event in plain]
    traces = {event.id: event.traceparent for event in events}
    _, sent = run(events, size)
    for raw in (raw for values in sent.values() for raw in values):
        event = decode(raw)
        assert event.causationid is not None
        assert event.traceparent == at_event(traces[event.causationid], event.id)
        traces[event.id] = event.traceparent
