"""The product as the chart installs it, and the oracle of all fills that it was sent."""

from __future__ import annotations

import base64
import itertools
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import httpx

from tests.bench.synthetic import START, write_fills
from tests.cluster import DEVNET, RELEASE, SERVERS
from tests.cluster.kube import Kube
from tests.e2e.children import Child
from tests.e2e.facts import Facts, differences, expected
from tests.e2e.files import SAMPLE
from tests.e2e.pipeline import NO_TLS
from tests.e2e.served import served
from tests.e2e.waiting import eventually
from tests.oracle.fills import read_fills
from tests.oracle.fold import fold
from tests.source import PYTHON_PATH, ROOT

CHARTS = ROOT / "deploy" / "chart"
URL = "http://127.0.0.1:30080"
TOKEN_TTL_S = 20_000
WAIT = ("--wait", "--timeout", "8m")
STAGING, OURS = CHARTS / RELEASE / "values-staging.yaml", Path(__file__).with_name("values.yaml")
CHAIN = CHARTS / RELEASE / "values-devnet.yaml"
VALUES = ("--values", str(STAGING), "--values", str(CHAIN), "--values", str(OURS))
BLOCK_S = 2
EQUAL_S = 180.0
PAGE_ROWS = 100
USERS = 30


class Product:
    """One installation."""

    def __init__(self, kube: Kube, folder: Path) -> None:
        self.kube = kube
        self.folder = folder
        self._sent: list[Path] = []
        self._tokens: dict[str, str] = {}

    def install(self) -> None:
        """Install the servers and the product, and wait until all is ready."""
        images = f"valkey.image={SERVERS}:latest,postgresql.image={SERVERS}:latest,devnet.image={DEVNET}:latest"
        devnet = f"devnet.enabled=true,devnet.blockSeconds={BLOCK_S}"
        servers = str(CHARTS / "servers")
        self.kube.helm("upgrade", "--install", "servers", servers, "--set", images, "--set", devnet, *WAIT)
        self.kube.helm("upgrade", "--install", RELEASE, str(CHARTS / RELEASE), *VALUES, *WAIT)

    def upgrade(self, *values: str) -> None:
        """Upgrade to other values, and wait until all is ready."""
        settings = itertools.chain.from_iterable(("--set", value) for value in values)
        self.kube.helm("upgrade", RELEASE, str(CHARTS / RELEASE), *VALUES, *settings, *WAIT)

    def roll_back(self) -> None:
        """Roll back to the revision before, and wait until all is ready."""
        self.kube.helm("rollback", RELEASE, *WAIT)

    def astratrade(self, *arguments: str, part: str = "gateway") -> str:
        """Run a command in a container of a Deployment."""
        return self.kube.run("exec", f"deploy/{RELEASE}-{part}", "--", "astratrade", *arguments)

    def token(self, role: str) -> str:
        """Return a token of a role, which the installation has signed."""
        if role not in self._tokens:
            user = "venue-1" if role == "venue" else "auditor"
            answer = self.astratrade("token", "--user", user, "--role", role, "--ttl", str(TOKEN_TTL_S))
            self._tokens[role] = answer.strip().splitlines()[-1]
        return self._tokens[role]

    @property
    def broker_url(self) -> str:
        """Return the URL of the broker, with its address in place of its name, which only pods can look up."""
        secret = self.kube.get("secret", RELEASE)["data"]["broker-url"]
        address = self.kube.get("service", "valkey")["spec"]["clusterIP"]
        return base64.b64decode(secret).decode().replace("@valkey:", f"@{address}:")

    # --- fills --------------------------------------------------------------------------------------------------------

    def replay_sample(self) -> None:
        """Send the packaged fills, and wait until they are visible."""
        with self.replaying(SAMPLE):
            pass

    def more_fills(self, fills: int) -> Path:
        """Write fills of new users that come after all that were sent."""
        number = len(self._sent)
        last = max((fill.at for file in self._sent for fill in read_fills(file)), default=START)
        path = self.folder / f"fills-{number}.csv"
        return write_fills(
            path, fills=fills, users=USERS, seed=number, prefix=f"load{number}", start=last + timedelta(hours=1)
        )

    @contextmanager
    def replaying(self, file: Path, *options: str) -> Iterator[Child]:
        """Send fills while the block runs; at its end wait until all are visible."""
        self._sent.append(file)
        command = [sys.executable, "-m", "deploy.cli.main", "replay", str(file), "--url", URL, *options]
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("ASTRA_")}
        environment = {**inherited, "PYTHONPATH": PYTHON_PATH, "ASTRA_DATA_DIR": str(self.folder / "replay")}
        replay = Child(
            f"replay-{len(self._sent)}", [*command, "--token", self.token("venue")], environment, self.folder
        )
        try:
            yield replay
            eventually(lambda: replay.exit_code is not None, within_s=EQUAL_S * 2, what="the replay ends")
            assert replay.exit_code == 0, replay.last_words()
        finally:
            replay.kill()

    def assert_equals_the_oracle(self) -> int:
        """Check that the API serves what the oracle computes of all fills; return how many facts."""
        right = expected(fold(itertools.chain.from_iterable(read_fills(file) for file in self._sent)))

        def differing() -> list[str]:
            return differences(right, self._served(right))

        try:
            eventually(lambda: not differing(), within_s=EQUAL_S, what="the API serves what the oracle computes")
        except AssertionError as error:
            error.add_note("\n".join(differing()[:20]))
            raise
        return len(right)

    def _served(self, right: Facts) -> Facts:
        headers = {"Authorization": f"Bearer {self.token('admin')}", "X-Audit-Reason": "a test of the chart"}
        with httpx.Client(base_url=URL, headers=headers, timeout=30, verify=NO_TLS) as client:
            return served(client, right, page_rows=PAGE_ROWS)
