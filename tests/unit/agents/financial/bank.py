"""The financial domain over dictionaries: partitions of their own, events routed by key, delivered in append order."""

from __future__ import annotations

from collections import defaultdict, deque
from typing import Any, TypeVar

from faust_redis.log.partitioner import partition_for

from agents.financial.domain import Financial
from agents.rulebook import Rulebook, packaged_rulebook
from streams.events import AnyEvent, Event, EventData, decode, encode
from streams.events.clock import Ticked
from streams.events.financial import ReportDeposit, deposit_key
from streams.events.gamification import RewardClaimed
from streams.events.trading import TradeExecuted
from streams.events.user import VerificationChanged
from streams.ids import uuid7
from streams.times import Instant
from streams.units import Quantity
from tables.accounts import account_of, available, is_of_user, ledger_key, reserved
from tables.financial import DOMAIN, Balance
from tables.row import Row

RowT = TypeVar("RowT", bound=Row)
DataT = TypeVar("DataT", bound=EventData)

AT = "2026-01-05T12:00:00Z"


class Part:
    """One partition of the domain."""

    def __init__(self, rulebook: Rulebook) -> None:
        self.maps: dict[str, dict[bytes, bytes]] = defaultdict(dict)
        self.rules: Any = Financial(lambda spec: self.maps[spec.name], rulebook)

    def handle(self, event: AnyEvent) -> list[AnyEvent]:
        with self.rules.tables.batch():
            if isinstance(event.data, TradeExecuted):
                return list(self.rules.traded_together([event]))
            return list(self.rules.handle(event))


class Bank:
    """Some partitions of the domain. Events of other domains come from the test.

    Attributes:
        events: All events that the domain appended, in their order.
    """

    def __init__(self, partitions: int = 3, rulebook: Rulebook | None = None) -> None:
        self.parts = [Part(rulebook or packaged_rulebook()) for _ in range(partitions)]
        self.events: list[AnyEvent] = []
        self._made = 0

    # --- events in ----------------------------------------------------------------------------------------------------

    def send(self, model: type[EventData], user: str = "ada", at: str = AT, **fields: Any) -> list[AnyEvent]:
        """Process an event of a user, and what follows from it; return what followed."""
        return self.put(model.of(fields), user, at)

    def put(self, data: EventData, key: str, at: str = AT) -> list[AnyEvent]:
        return self.run([self.first(data, key, at)])

    def first(self, data: EventData, key: str, at: str = AT) -> AnyEvent:
        self._made += 1
        time = Instant.parse(at)
        event_id = uuid7(time.milliseconds(), self._made.to_bytes(10))
        return Event.first(data, event_id=event_id, time=time, key=key, rules_version=1)

    def tick(self, at: str) -> list[AnyEvent]:
        """Tick in every partition, under one id."""
        tick = self.first(Ticked(), "clock", at)
        before = len(self.events)
        for part in self.parts:
            self._append(part.handle(tick))
        return self.events[before:]

    def run(self, waiting: list[AnyEvent]) -> list[AnyEvent]:
        before = len(self.events)
        for event in waiting:
            self._append(self.part(event.partitionkey).handle(decode(encode(event))))
        return self.events[before:]

    def _append(self, events: list[AnyEvent]) -> None:
        queue = deque(events)
        while queue:
            event = decode(encode(queue.popleft()))
            assert event.data.topic in DOMAIN.produces
            self.events.append(event)
            if event.data.topic in DOMAIN.consumes:
                queue += self.part(event.partitionkey).handle(event)

    def deposit(self, user: str, amount: str, reference: str = "", asset: str = "USD", at: str = AT) -> list[AnyEvent]:
        reference = reference or f"wire-{self._made}"
        fields = {"user_id": user, "asset": asset, "amount": amount, "provider": "bank", "reference": reference}
        return self.put(ReportDeposit.of(fields), deposit_key("bank", reference), at)

    def verify(self, user: str, tier: str = "identity", at: str = AT) -> None:
        self.send(VerificationChanged, user, at, user_id=user, tier=tier, before="unverified")

    def grant(self, user: str, shards: int) -> list[AnyEvent]:
        return self.send(RewardClaimed, user, reward_id="r", ss=shards)

    # --- rows out -----------------------------------------------------------------------------------------------------

    def part(self, key: str) -> Part:
        return self.parts[partition_for(key.encode(), len(self.parts))]

    def row(self, table: Any, key: str, owner: str = "") -> Any:
        raw = self.part(owner or key).maps[table.name].get(key.encode())
        return None if raw is None else table.model.load(raw)

    def rows(self, table: Any) -> dict[str, list[Any]]:
        """Return the rows of all partitions by key."""
        found: dict[str, list[Any]] = defaultdict(list)
        for part in self.parts:
            for key, raw in part.maps[table.name].items():
                found[key.decode()].append(table.model.load(raw))
        return found

    def has(self, user: str, asset: str = "USD") -> tuple[str, str]:
        """Return what a user has available and reserved."""
        rows = self.part(user).maps["financial-ledger"]
        found = [rows.get(ledger_key(account, asset).encode()) for account in (available(user), reserved(user))]
        one, other = (Balance.load(raw).amount.text() if raw else "0" for raw in found)
        return one, other

    def total(self, account: str, asset: str = "USD") -> str:
        """Return the sum of an account over the partitions."""
        from tables.financial import FINANCIAL_LEDGER

        parts = self.rows(FINANCIAL_LEDGER).get(ledger_key(account, asset), [])
        return Quantity(sum(part.amount for part in parts)).text()

    def check(self) -> None:
        """Check that each partition balances by asset, and that no user owes."""
        for part in self.parts:
            sums: dict[str, int] = defaultdict(int)
            for key, raw in part.maps["financial-ledger"].items():
                account, asset = account_of(key.decode())
                amount = Balance.load(raw).amount
                assert amount >= 0 or not is_of_user(account), f"{account} has {amount.text()} {asset}"
                sums[asset] += amount
            assert not any(sums.values()), sums


def of_type(events: list[AnyEvent], model: type[DataT]) -> list[DataT]:
    """Return the data of the events of one type."""
    return [event.data for event in events if isinstance(event.data, model)]


def reasons(events: list[AnyEvent]) -> list[str]:
    """Return why commands were rejected."""
    from streams.events.financial import FinancialCommandRejected

    return [data.reason for data in of_type(events, FinancialCommandRejected)]
