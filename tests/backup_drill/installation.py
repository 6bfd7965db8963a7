"""An installation of a drill: it can be filled, backed up while it runs, killed, and restored into a new directory."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import time
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any

from faust_redis.log import Log
from pydantic import SecretStr
from redis import Redis

from api.identity.store.migrate import migrate
from deploy.settings import Settings
from streams.topics import NAMESPACE
from tables.reader import TableReader
from tables.user import USER_PROFILES
from tests.backup_drill.databases import Database
from tests.e2e.children import Child
from tests.e2e.fills import fill, new_user
from tests.e2e.pipeline import START_S, Pipeline
from tests.e2e.waiting import eventually
from tests.support.aside import run_aside

APPEND_ONLY = "appendonlydir"
CAUGHT_UP_S = 120.0
LEASE_MS = 3_000


@dataclass(slots=True)
class Known:
    """What clients have an answer for.

    Attributes:
        users: The ids of registered accounts, with the time of the answer.
        fills: Bodies of accepted fills by their idempotency keys, with the time of the answer.
        events: The ids of the events of the fills, by the key.
    """

    users: dict[str, float] = field(default_factory=dict)
    fills: dict[str, tuple[dict[str, Any], float]] = field(default_factory=dict)
    events: dict[str, str] = field(default_factory=dict)


class Installation(Pipeline):
    """Broker, database, API, relay and one worker."""

    def __init__(self, directory: Path, database: Database, secret: str) -> None:
        super().__init__(directory, workers=0, api=False, lease_ms=LEASE_MS)
        self.database = database
        self.secret = secret
        self.relay: Child
        self.directory.mkdir(parents=True)

    def environment(self, **settings: str) -> dict[str, str]:
        """Return a child's environment, without limits."""
        ours = {
            "ASTRA_DATABASE_URL": self.database.url(self.directory),
            "ASTRA_RATE_LIMIT_FACTOR": "10000",
            "ASTRA_BEHIND_MAX_S": "0",
            "ASTRA_TRUSTED_PROXIES": "127.0.0.0/8",
        }
        return super().environment(**{**ours, **settings})

    def identity_settings(self) -> Settings:
        """Return the settings that name the database of accounts."""
        url = SecretStr(self.database.url(self.directory))
        return Settings(data_dir=self.directory, secret=SecretStr(self.secret), database_url=url)

    def start_all(self) -> None:
        """Start relay, worker and API, and wait until all domains are ready."""
        run_aside(migrate(self.database.url(self.directory)))
        self.relay = self.start("relay", "relay")
        self.start_worker()
        self.start_api()
        self.wait_until_ready()

    def fill(self, known: Known, *, users: int, fills: int) -> None:
        """Register accounts and report fills, and note what was answered."""
        with self.client_with(None) as visitor:
            for number in range(users):
                body = {"username": f"u{secrets.token_hex(6)}", "password": f"walnut harbour {number}"}
                address = {"X-Forwarded-For": f"10.0.{number // 250}.{number % 250 + 1}"}
                answer = visitor.post("/v1/auth/register", json=body, headers=address)
                assert answer.status_code == HTTPStatus.CREATED, answer.text
                known.users[answer.json()["user_id"]] = time.time()
        for _ in range(fills):
            self.send(known, secrets.token_hex(12), {"fills": [fill(new_user())]})

    def send(self, known: Known, key: str, body: dict[str, Any]) -> None:
        """Report a fill under an idempotency key."""
        answer = self.client("venue", "venue-1").post("/v1/fills", json=body, headers={"Idempotency-Key": key})
        answer.raise_for_status()
        known.fills[key] = body, time.time()
        known.events[key] = answer.json()["events"][0]["event_id"]

    # --- backups ------------------------------------------------------------------------------------------------------

    def back_up_broker(self, target: Path) -> float:
        """Copy the append-only files while the server writes them; return the seconds that this took.

        A rewrite would replace files during the copy, so it is switched off meanwhile.
        """
        began = time.monotonic()
        with Redis(unix_socket_path=self.server.url.removeprefix("unix://")) as redis:
            redis.config_set("auto-aof-rewrite-percentage", 0)
            eventually(
                lambda: not redis.info("persistence")["aof_rewrite_in_progress"], within_s=START_S, what="no rewrite"
            )
            shutil.copytree(self.server.directory / APPEND_ONLY, target)
            redis.config_set("auto-aof-rewrite-percentage", 100)
        return time.monotonic() - began

    def back_up_database(self, target: Path) -> float:
        """Back up the database; return the seconds that this took."""
        began = time.monotonic()
        self.database.back_up(self.directory, target)
        return time.monotonic() - began

    def kill_all(self) -> None:
        """Send SIGKILL to every process, and to the broker."""
        for child in self.children:
            child.kill()
        self.kill_server()

    # --- what is there ------------------------------------------------------------------------------------------------

    def wait_until_known(self, users: AbstractSet[str]) -> None:
        """Wait until the table of accounts has these users, which the relay publishes."""
        eventually(
            lambda: asyncio.run(self._profiles()) >= users, within_s=CAUGHT_UP_S, what="every account is in the log"
        )

    async def _profiles(self) -> set[str]:
        async with Log(self.server.url, NAMESPACE) as log:
            reader = TableReader(log, "astratrade")
            return {row.key async for rows in reader.scan(USER_PROFILES.name) for row in rows}
