"""Clients of an installation of compose.yaml, and the oracle of all fills that they sent."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import httpx

from tests.bench.synthetic import write_fills
from tests.compose.installation import URL, Installation, until
from tests.e2e.facts import differences, expected
from tests.e2e.files import SAMPLE
from tests.e2e.pipeline import NO_TLS
from tests.e2e.served import served
from tests.oracle.fills import read_fills
from tests.oracle.fold import fold
from tests.source import PYTHON_PATH

PAGE_ROWS = 100
FILLS, USERS = 200, 10
TOKEN_TTL_S = 7_200
EQUAL_S = 180.0


class People:
    """A venue that sends fills, users, and an auditor who reads all."""

    def __init__(self, installation: Installation, folder: Path) -> None:
        self._installation = installation
        self._folder = folder
        self._sent: list[Path] = []
        self._tokens: dict[tuple[str, str], str] = {}

    def token(self, role: str, user: str) -> str:
        """Return a token that the installation has signed. It stays the same."""
        if (role, user) not in self._tokens:
            words = ("token", "--user", user, "--role", role, "--ttl", str(TOKEN_TTL_S))
            self._tokens[role, user] = self._installation.astratrade(*words).strip().splitlines()[-1]
        return self._tokens[role, user]

    def client(self, role: str, user: str) -> httpx.Client:
        """Return a client of the gateway."""
        headers = {"Authorization": f"Bearer {self.token(role, user)}", "X-Audit-Reason": "a test of compose"}
        return httpx.Client(base_url=URL, headers=headers, timeout=30, verify=NO_TLS, trust_env=False)

    def replay_sample(self) -> None:
        """Replay the packaged fills from the gateway's container."""
        self._sent.append(SAMPLE)
        self._installation.astratrade("replay", "sample", "--url", URL)

    def send_more(self) -> None:
        """Replay fills that come after all that were sent, from outside of the containers."""
        last = max(fill.at for file in self._sent for fill in read_fills(file))
        path = self._folder / f"fills-{len(self._sent)}.csv"
        file = write_fills(path, fills=FILLS, users=USERS, prefix=path.stem, start=last + timedelta(hours=1))
        self._sent.append(file)
        command = [sys.executable, "-m", "deploy.cli.main", "replay", str(file), "--url", URL]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ASTRA_")}
        environment = {**inherited, "PYTHONPATH": PYTHON_PATH, "ASTRA_DATA_DIR": str(self._folder)}
        whole = [*command, "--token", self.token("venue", "venue-1")]
        subprocess.run(whole, env=environment, stdout=subprocess.DEVNULL, check=True)

    def assert_equals_the_oracle(self) -> int:
        """Wait until the API serves what the oracle computes of all that was sent; return how many facts."""
        right = expected(fold(itertools.chain.from_iterable(read_fills(file) for file in self._sent)))
        found: list[str] = []

        def equal() -> bool:
            with self.client("admin", "auditor") as client:
                found[:] = differences(right, served(client, right, page_rows=PAGE_ROWS))
            return not found

        try:
            until(equal, "the API serves what the oracle computes", EQUAL_S)
        except AssertionError as error:
            error.add_note("\n".join(found[:20]))
            raise
        return len(right)
