"""The drill: load, backups, more load, a kill of everything, and restores into fresh installations."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import time
from collections import Counter
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple

from faust_redis.log import Log

from streams import topics
from streams.events import decode
from streams.events.trading import TradeExecuted
from streams.lineage import records
from streams.topics import NAMESPACE
from tests.backup_drill.databases import Database
from tests.backup_drill.installation import APPEND_ONLY, Installation, Known
from tests.e2e.drained import wait_until_drained
from tests.e2e.waiting import eventually

DRAINED_S: Final = 120.0
STOPS_WITHIN_S: Final = 30.0

Say = Callable[[str], None]
Age = Literal["earlier", "last"]


class Restore(NamedTuple):
    """Which backup of each server is restored: the `earlier` one, or the `last` state of its disk at the kill."""

    name: str
    broker: Age
    database: Age


RESTORES: Final = (
    Restore("together", "earlier", "earlier"),
    Restore("the broker older than the database", "earlier", "last"),
    Restore("both from the disks of the killed servers", "last", "last"),
    Restore("the database older than the broker", "last", "earlier"),
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a restore gave.

    Attributes:
        restored_s: Until the API was ready and every account of the database was in the log; None when refused.
        accounts_lost: Answered registrations that the database does not have.
        fills_lost: Accepted fills that the log does not have.
        lost_s: How far back the oldest of these losses is from the kill, in seconds.
        refused: The relay's line, when it refused the pair.
        failures: What should hold and does not.
    """

    restore: Restore
    restored_s: float | None
    accounts_lost: int
    fills_lost: int
    lost_s: float
    refused: str
    failures: tuple[str, ...]


class Drill:
    """One drill on one kind of database. Each half of its load has `size` accounts, and five times as many fills."""

    def __init__(self, directory: Path, database: Database, size: int, say: Say) -> None:
        self._directory, self._database, self._size, self._say = directory, database, size, say
        self._known = Known()
        self._secret = secrets.token_hex(32)
        self._killed_at = 0.0

    def run(self, restores: tuple[Restore, ...] = RESTORES) -> list[Outcome]:
        """Return the outcome of each restore."""
        self._fill_and_kill()
        return [self._restored(restore) for restore in restores]

    def _fill_and_kill(self) -> None:
        with Installation(self._directory / "first", self._database, self._secret) as first:
            first.start_all()
            first.fill(self._known, users=self._size, fills=5 * self._size)
            broker_s = first.back_up_broker(self._backup("broker", "earlier"))
            first.fill(self._known, users=1, fills=5)  # between the two backups
            database_s = first.back_up_database(self._backup("database", "earlier"))
            self._say(f"backed up the broker in {broker_s:.2f} s, then the database in {database_s:.2f} s")
            first.fill(self._known, users=self._size, fills=5 * self._size)
            first.kill_all()
            self._killed_at = time.time()
            shutil.copytree(first.server.directory / APPEND_ONLY, self._backup("broker", "last"))
            first.back_up_database(self._backup("database", "last"))
        self._say(f"killed everything after {len(self._known.users)} accounts and {len(self._known.fills)} fills")

    def _backup(self, part: str, age: Age) -> Path:
        return self._directory / f"{part}-{age}"

    def _restored(self, restore: Restore) -> Outcome:
        began = time.monotonic()
        name = f"{RESTORES.index(restore)}-{restore.broker}-{restore.database}"
        fresh = Installation(self._directory / name, self._database, self._secret)
        shutil.copytree(self._backup("broker", restore.broker), fresh.server.directory / APPEND_ONLY)
        self._database.restore(self._backup("database", restore.database), fresh.directory)
        with fresh:
            if restore.broker == "last" and restore.database == "earlier":
                return self._refused(restore, fresh)
            fresh.start_all()
            kept = self._known.users.keys() & self._database.accounts(fresh.directory)
            fresh.wait_until_known(kept)
            wait_until_drained(fresh, commands=1, within_s=DRAINED_S)
            return self._compared(restore, fresh, kept, time.monotonic() - began)

    def _compared(self, restore: Restore, fresh: Installation, kept: AbstractSet[str], restored_s: float) -> Outcome:
        before = asyncio.run(executed(fresh))
        lost = [key for key, event in self._known.events.items() if event not in before]
        gone = [user for user in self._known.users if user not in kept]
        times = [self._known.fills[key][1] for key in lost] + [self._known.users[user] for user in gone]
        for key in lost:
            fresh.send(Known(), key, self._known.fills[key][0])
        wait_until_drained(fresh, commands=1, within_s=DRAINED_S)
        counts = asyncio.run(executed(fresh))
        wrong = [event for event in self._known.events.values() if counts[event] != 1]
        failures = [f"{len(wrong)} fills do not count once: {wrong[:3]}"] if wrong else []
        verdict = fresh.run("upgrade", "--check").splitlines()[-1]
        failures += [verdict] if ": 0 rows differ" not in verdict else []
        lost_s = self._killed_at - min(times, default=self._killed_at)
        return Outcome(restore, restored_s, len(gone), len(lost), lost_s, "", tuple(failures))

    def _refused(self, restore: Restore, fresh: Installation) -> Outcome:
        """Return what the relay says of a database that does not know events of the log."""
        relay = fresh.start("relay", "relay")
        relay.ended_by_us = True
        eventually(lambda: relay.exit_code is not None, within_s=STOPS_WITHIN_S, what="the relay stops")
        failures = () if relay.exit_code == 1 else (f"the relay ended with {relay.exit_code}",)
        return Outcome(restore, None, 0, 0, 0.0, relay.output().splitlines()[-1], failures)


async def executed(installation: Installation) -> Counter[str]:
    """Return how often each fill was executed, by the id of its command."""
    found: Counter[str] = Counter()
    async with Log(installation.server.url, NAMESPACE) as log:
        async for _, _, value in records(log, [topics.TRADING_EVENTS], lambda _: None):
            event = decode(value)
            if isinstance(event.data, TradeExecuted):
                found[event.causationid or ""] += 1
    return found
