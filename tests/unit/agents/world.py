"""The whole pipeline in one process over dictionaries: commands in, tables and events out, partitions kept apart."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from agents.financial.domain import Financial
from agents.gamification.domain import Gamification
from agents.rulebook import Rulebook, packaged_rulebook
from agents.trading.domain import Trading
from streams.events import AnyEvent, Event, EventData, decode, encode
from streams.events.gamification import LevelUp
from streams.events.market import PriceUpdated
from streams.events.trading import CloseTrade, OpenTrade, ReportFill
from streams.ids import fill_event_id, uuid7
from streams.times import Instant
from streams.topology import TableSpec
from tables.typed import BytesMap


class World:
    """One partition of everything.

    Each event passes through the codec, as it would on the log.
    """

    def __init__(
        self,
        rulebook: Rulebook | None = None,
        maps: Mapping[str, dict[bytes, bytes]] | None = None,
        *,
        at_least_once: bool = False,
    ) -> None:
        self.maps: dict[str, dict[bytes, bytes]] = defaultdict(dict, maps or {})
        self.rulebook = rulebook or packaged_rulebook()
        self.trading: Any = Trading(self._open, self.rulebook)
        self.gamification: Any = Gamification(self._open, self.rulebook, at_least_once=at_least_once)
        self.financial: Any = Financial(self._open, self.rulebook, at_least_once=at_least_once)
        self.events: list[AnyEvent] = []
        self._made = 0

    def _open(self, spec: TableSpec[Any]) -> BytesMap:
        return self.maps[spec.name]

    def deliver(self, command: AnyEvent) -> list[AnyEvent]:
        """Deliver a command or a price and all its effects; return the events that followed."""
        command = decode(encode(command))
        if isinstance(command.data, PriceUpdated):
            traded = self.trading.mark(command)
        else:
            traded = self.trading.commands([command])
        followed = [decode(encode(event)) for event in (*traded, *self.react(traded))]
        self.events += followed
        return followed

    def react(self, traded: Iterable[AnyEvent]) -> list[AnyEvent]:
        followed: list[AnyEvent] = []
        for fact in traded:
            wired = decode(encode(fact))
            earned = self.gamification.traded_together([wired])
            followed += [*earned, *self.financial.traded_together([wired])]
            for event in earned:
                if isinstance(event.data, LevelUp):
                    self.trading.gamified(decode(encode(event)))
        return followed

    def send(self, data: EventData, at: str, user: str = "ada", event_id: str = "") -> list[AnyEvent]:
        """Send a command or a price at a time."""
        self._made += 1
        time = Instant.parse(at)
        event_id = event_id or uuid7(time.milliseconds(), self._made.to_bytes(10))
        return self.deliver(
            Event.first(data, event_id=event_id, time=time, key=user, rules_version=self.rulebook.version)
        )

    def happen(self, data: EventData, at: str, user: str = "ada") -> list[AnyEvent]:
        """Deliver an event of another domain, or a tick, to gamification; return the events that followed."""
        self._made += 1
        time = Instant.parse(at)
        event_id = uuid7(time.milliseconds(), self._made.to_bytes(10))
        event: AnyEvent = Event.first(data, event_id=event_id, time=time, key=user, rules_version=1)
        followed = [decode(encode(one)) for one in self.gamification.handle(decode(encode(event)))]
        self.events += followed
        return followed

    def fill(self, fill_id: str, at: str, user: str = "ada", **fields: Any) -> list[AnyEvent]:
        """Report a fill."""
        data = fill_of(fill_id, user, **fields)
        event_id = fill_event_id(data.venue, user, fill_id)
        return self.send(data, at, user, event_id)

    def price(self, market: str, price: str, at: str) -> list[AnyEvent]:
        return self.send(PriceUpdated.of({"market": market, "price": price}), at, market)

    def order(self, at: str, user: str = "ada", **fields: Any) -> list[AnyEvent]:
        base = {"market": "BTC", "side": "long", "notional_usd": "1500.00", "leverage": 10}
        return self.send(OpenTrade.of(base | fields), at, user)

    def close(self, trade_id: str, at: str, user: str = "ada") -> list[AnyEvent]:
        return self.send(CloseTrade(trade_id=trade_id), at, user)

    def score(self, group: str, user: str = "ada") -> Any:
        """Return a user's standing on a board, as (score, reached at)."""
        from tables.boards import Standing, names_of

        rows = {name: self.gamification.boards.rows.get(f"{row}|{user}") for row, name in names_of(group).items()}
        found = [row[name] for name, row in rows.items() if row is not None and name in row]
        assert len(found) <= 1, "a standing is in one row"
        return tuple(Standing.of(found[0])) if found else None


def fill_of(fill_id: str, user: str = "ada", **fields: Any) -> ReportFill:
    base = {
        "fill_id": fill_id,
        "user_id": user,
        "trade_id": fill_id,
        "market": "BTC",
        "side": "buy",
        "price": "60000",
        "size": "0.025",
        "notional_usd": "1500.00",
        "venue": "tape",
    }
    return ReportFill.of(base | fields)


def of_type(events: Iterable[AnyEvent], model: type[EventData]) -> list[Any]:
    """Return the data of the events of one type."""
    return [event.data for event in events if isinstance(event.data, model)]
