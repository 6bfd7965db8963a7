"""Recorded logs of events with the tables that they led to: later code must read them unchanged.

`python -m tests.recorded_log NAME` records a new one in `tests/fixtures`; a name that begins with `users` records the
events of accounts. A recorded log is never changed. A new event
class, or a new version of one, gets a log of its own beside the others.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from agents.rulebook import packaged_text
from deploy.replay.fills import Fill, read_fills
from streams.events import AnyEvent, Event, EventData, encode
from streams.events.trading import TradeExecuted
from streams.events.user import (
    AccountClosed,
    AccountRegistered,
    AccountReinstated,
    AccountSuspended,
    EmailVerified,
    ProfileChanged,
    RoleChanged,
    WalletLinked,
    WalletUnlinked,
)
from streams.ids import uuid7
from streams.times import Instant
from tables.domains import TOPOLOGY
from tables.trading import TRADING_PROCESSED
from tables.typed import standings
from tests.unit.agents.world import World

DIRECTORY = Path(__file__).with_name("fixtures")
MIDDLE, END = b'{"topic":"', b"}\n"
VENUE = "venue-1"


class Recorded(NamedTuple):
    """One record of a log."""

    topic: str
    value: bytes


def names() -> list[str]:
    return sorted(path.stem for path in DIRECTORY.glob("*.jsonl"))


def names_with_tables() -> list[str]:
    """Return the logs that the agents' domains consume."""
    return [name for name in names() if (DIRECTORY / f"{name}.tables.json").is_file()]


def read(name: str) -> list[Recorded]:
    """Return the records of a log, each event with the bytes that were recorded."""
    records = []
    for line in (DIRECTORY / f"{name}.jsonl").read_bytes().splitlines(keepends=True):
        topic, _, value = line.removeprefix(MIDDLE).removesuffix(END).partition(b'","event":')
        records.append(Recorded(topic.decode(), value))
    return records


def read_tables(name: str) -> Any:
    return json.loads((DIRECTORY / f"{name}.tables.json").read_text())


def read_rules(name: str) -> str:
    return (DIRECTORY / f"{name}.rulebook.toml").read_text()


def _text(table: str, row: bytes) -> str:
    """Return a row as JSON."""
    model = TOPOLOGY.table(table).model
    return json.dumps(model.load(row).as_json() if model else standings(row), separators=(",", ":"))


def tables_of(world: World) -> dict[str, dict[str, str]]:
    """Return all table rows except the rows that recognise repeats: their bytes are an implementation detail."""
    return {
        name: {key.decode(): _text(name, value) for key, value in sorted(rows.items())}
        for name, rows in sorted(world.maps.items())
        if name != TRADING_PROCESSED.name
    }


def sample(world: World) -> Iterator[list[AnyEvent]]:
    """Yield the events of a run that covers every event class: each command and its effects."""
    fills = read_fills("sample").fills
    for fill in fills[::25]:
        yield report(world, fill)
    # This report differs from the one before.
    yield report(world, fills[::25][-1] | {"closed_pnl_usd": "1.23"})
    # This event is far behind its user's newest.
    yield report(world, fills[0] | {"fill_id": "forgotten"})
    # This event is late for its day.
    yield report(world, fills[-1] | {"user_id": "newcomer", "executed_at": "2024-01-01T00:00:00Z"})
    yield world.price("BTC", "60000", "2025-03-01T08:00:00Z")
    (alerting, *_), (opened, *_) = (
        of_trade(world.order(f"2025-03-01T08:0{minute}:00Z", notional_usd=usd, leverage=10))
        for minute, usd in ((1, "7000"), (2, "1000"))
    )
    yield world.close(opened, "2025-03-01T09:00:00Z")
    yield world.close(opened, "2025-03-01T09:01:00Z")
    yield world.price("BTC", "1", "2025-03-01T10:00:00Z")
    assert alerting != opened


def of_trade(events: list[AnyEvent]) -> list[str]:
    return [event.data.trade_id for event in events if isinstance(event.data, TradeExecuted)]


def report(world: World, fill: Fill) -> list[AnyEvent]:
    fields = {name: value for name, value in fill.items() if name not in {"fill_id", "user_id", "executed_at"}}
    return world.fill(fill["fill_id"], fill["executed_at"], fill["user_id"], venue=VENUE, **fields)


class Recording(World):
    """A world that also records the commands."""

    def __init__(self) -> None:
        super().__init__()
        self.log: list[AnyEvent] = []

    def deliver(self, command: AnyEvent) -> list[AnyEvent]:
        followed = super().deliver(command)
        self.log += [command, *followed]
        return followed


def record(name: str) -> None:
    """Write a new log."""
    world = Recording()
    for _ in sample(world):
        pass
    _write(name, world.log)
    (DIRECTORY / f"{name}.tables.json").write_text(json.dumps(tables_of(world), indent=1) + "\n")
    (DIRECTORY / f"{name}.rulebook.toml").write_text(packaged_text())


def record_users(name: str) -> None:
    """Write a new log with each event of the user domain, which no agent consumes."""
    wallet: dict[str, Any] = {"user_id": "trader-1", "chain_id": "SN_MAIN", "address": f"0x{7:064x}"}
    happened: list[EventData] = [
        AccountRegistered(user_id="trader-1", role="user", username="Straße"),
        AccountRegistered(user_id="trader-1-bot", role="user", parent_id="trader-1"),
        EmailVerified(user_id="trader-1"),
        ProfileChanged(user_id="trader-1", private=True, username="Straße"),
        WalletLinked(**wallet),
        WalletUnlinked(**wallet),
        RoleChanged(user_id="trader-1", role="moderator", before="user"),
        AccountSuspended(user_id="trader-1"),
        AccountReinstated(user_id="trader-1"),
        AccountClosed(user_id="trader-1"),
    ]
    now = Instant.parse("2026-11-29T05:00:00Z")
    _write(
        name,
        [
            Event.first(
                data, event_id=uuid7(now.milliseconds(), bytes([n] * 10)), time=now, key="trader-1", rules_version=None
            )
            for n, data in enumerate(happened)
        ],
    )


def _write(name: str, events: Iterable[AnyEvent]) -> None:
    with (DIRECTORY / f"{name}.jsonl").open("xb") as log:
        log.writelines(MIDDLE + event.data.topic.encode() + b'","event":' + encode(event) + END for event in events)


if __name__ == "__main__":
    (record_users if sys.argv[1].startswith("users") else record)(sys.argv[1])
