"""`astratrade dev` as its user runs it: real processes, the packaged fills, faults, and no left-over process."""

import json
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import httpx
import pytest
import redis
from faust_redis.log.connection import without_password

from deploy.server.embedded import EmbeddedServer
from deploy.server.endpoint import running_url
from deploy.server.server_binary import find_binary
from tests.ports import free_port
from tests.source import PYTHON_PATH

ASTRATRADE = (sys.executable, "-P", "-m", "deploy.cli.main")
T = TypeVar("T")
LINE_S = 60.0
END_S = 45.0
READ_BYTES = 65_536


class Dev:
    """A running `astratrade dev` whose output the test reads line by line."""

    def __init__(self, data_dir: Path, *arguments: str, broker_url: str | None = None) -> None:
        self.data_dir = data_dir
        argv = [*ASTRATRADE, "dev", "--port", str(free_port()), "--data-dir", str(data_dir), *arguments]
        self.process = subprocess.Popen(
            argv,
            env=environment() if broker_url is None else {**environment(), "ASTRA_BROKER_URL": broker_url},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.lines: list[str] = []
        self._rest = ""

    def until(self, pattern: str) -> re.Match[str]:
        """Read until a line matches."""
        while True:
            while "\n" in self._rest:
                line, _, self._rest = self._rest.partition("\n")
                self.lines.append(line)
                if match := re.search(pattern, line):
                    return match
            assert self._read(), f"no line like {pattern!r} in:\n" + "\n".join(self.lines)

    def _read(self) -> bool:
        assert self.process.stdout is not None
        if not select.select([self.process.stdout], [], [], LINE_S)[0]:
            return False
        new = os.read(self.process.stdout.fileno(), READ_BYTES)
        self._rest += new.decode(errors="replace")
        return bool(new)

    def children(self) -> dict[int, str]:
        """Return process ids and command lines of its children."""
        pids = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return {int(pid): Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " ") for pid in pids}

    def child(self, what: str) -> int:
        [pid] = [pid for pid, command in self.children().items() if what in command]
        return pid

    def close(self) -> None:
        self.process.kill()
        self.process.wait(END_S)
        if self.process.stdout:
            self.process.stdout.close()


def environment() -> Mapping[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ASTRA_")}
    return {**kept, "PYTHONPATH": PYTHON_PATH, "PYTHONUNBUFFERED": "1"}


def astratrade(*arguments: str) -> str:
    return subprocess.run(
        [*ASTRATRADE, *arguments], env=environment(), check=True, capture_output=True, text=True
    ).stdout


def until(probe: Callable[[], T | None]) -> T:
    """Return the first result of the probe that is not None."""
    deadline = time.monotonic() + LINE_S
    while (found := probe()) is None:
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)
    return found


def pasted(command: str) -> str:
    """Run a command as a user pastes it into the shell that started `dev`."""
    return subprocess.run(
        ["/bin/sh", "-c", command], env=environment(), check=True, capture_output=True, text=True
    ).stdout


def wait_for_end(pid: int) -> None:
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    assert select.select([fd], [], [], END_S)[0], f"process {pid} still runs"
    os.close(fd)


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def dev(data_dir: Path) -> Iterator[Dev]:
    running = Dev(data_dir, "--replay", "sample")
    yield running
    running.close()


def test_one_command_runs_all_survives_a_killed_worker_and_stops_clean(dev: Dev, data_dir: Path) -> None:
    url = dev.until(r"dashboard +(http://\S+)/")[1]
    socket_dir = Path(dev.until(r"broker +unix://(\S+)")[1]).parent
    assert dev.until(r"accounts +(.*)")[1].strip() == "trader-1, trader-2, trader-3, moderator-1"
    password = Path(dev.until(r"password +in (\S+)")[1]).read_text()
    sign_in = dev.until(r"sign in +(.*)")[1]
    command = dev.until(r"user token +(.* token .*)")[1]
    token = pasted(command).strip()
    dev.until(r"1000 fills of fills-sample.csv posted")
    dev.until(r"1 .*trader-2 .*18,148")
    profile = httpx.get(f"{url}/v1/leaderboards/xp", headers={"Authorization": f"Bearer {token}"}, trust_env=False)
    assert profile.json()["total"] == 3
    dev.until(r"mark prices of 7 markets posted")
    assert_an_order_opens_a_practice_trade(url, token)

    os.kill(dev.child("deploy.cli.main worker"), signal.SIGKILL)
    dev.until(r"dev: worker 1 ended \(by SIGKILL\)")
    dev.until(r"dev: worker 1 was started again")
    assert json.loads(astratrade("tables", "get", "gamification-progress", "trader-2", "--data-dir", str(data_dir)))
    assert '"astratrade-trading"' in astratrade("topics", "--json", "--data-dir", str(data_dir))

    own = {"Authorization": f"Bearer {json.loads(pasted(sign_in))['access_token']}"}
    assert httpx.get(f"{url}/v1/users/trader-1/positions", headers=own, trust_env=False).status_code == 200
    assert "trader-1  trader-1  user  active" in astratrade("accounts", "show", "trader-1", "--data-dir", str(data_dir))

    children = dev.children()
    dev.process.send_signal(signal.SIGINT)
    assert dev.process.wait(END_S) == 0
    assert not any(password in line for line in dev.lines)
    for pid in children:
        wait_for_end(pid)
    assert not socket_dir.exists()
    assert running_url(data_dir) is None


def assert_an_order_opens_a_practice_trade(url: str, token: str) -> None:
    order = {"market": "HYPE", "side": "long", "notional_usd": "500.00", "leverage": 5}
    with httpx.Client(base_url=url, trust_env=False, headers={"Authorization": f"Bearer {token}"}) as client:
        accepted = client.post("/v1/trades", json=order).json()
        after = {"after": accepted["position"]}
        [trade] = client.get("/v1/users/trader-1/open-trades", params=after).json()["trades"]
        assert trade["trade_id"] == accepted["trade_id"]
        prices = {row["market"]: row["price"] for row in client.get("/v1/prices").json()["prices"]}
        assert trade["entry_price"] == prices["HYPE"]


@pytest.mark.heavy
def test_shards_have_servers_and_workers_of_their_own(data_dir: Path) -> None:
    dev = Dev(data_dir, "--shards", "2", "--replay", "sample")
    try:
        dev.until("1000 fills of .* posted")
        dev.until(r"trader-2 +│ +18,148")
        servers = [
            command for command in dev.children().values() if "valkey-server" in command or "redis-server" in command
        ]
        assert len(servers) == 2
        listed = astratrade("groups", "list", "--data-dir", str(data_dir))
        assert "astratrade-trading  live members: 2  records behind: 0" in listed
        dev.process.send_signal(signal.SIGINT)
        assert dev.process.wait(END_S) == 0
    finally:
        dev.close()


def test_data_of_another_number_of_shards_are_refused_before_a_worker_starts(data_dir: Path) -> None:
    with EmbeddedServer(data_dir, find_binary()) as server, redis.Redis.from_url(server.url) as client:
        client.sadd("{astra}:topics", "t")
    dev = Dev(data_dir, "--shards", "2")
    try:
        dev.until("is shard 0/1, and 0/2 was expected")
        assert dev.process.wait(END_S) == 1
    finally:
        dev.close()


@pytest.mark.heavy
def test_each_domain_can_have_processes_of_its_own(data_dir: Path) -> None:
    dev = Dev(data_dir, "--workers", "trading=2,financial=0")
    try:
        dev.until("AstraTrade is up")
        commands = [command.strip() for command in dev.children().values()]
        assert sum(command.endswith("--domain trading") for command in commands) == 2
        assert sum(command.endswith("--domain gamification") for command in commands) == 1
        assert not any("financial" in command for command in commands)
        dev.process.send_signal(signal.SIGINT)
        assert dev.process.wait(END_S) == 0
    finally:
        dev.close()


def test_a_killed_dev_leaves_no_process_and_can_be_reset(data_dir: Path) -> None:
    dev = Dev(data_dir)
    try:
        dev.until("AstraTrade is up")
        socket_dir = Path(dev.until(r"broker +unix://(\S+)")[1]).parent
        children = dev.children()
        assert len(children) == 7  # server, worker, relay, clock, archive, webhooks, API
    finally:
        dev.close()
    for pid in children:
        wait_for_end(pid)
    assert "deleted 0 keys and 2 directories" in astratrade("reset", "--yes", "--data-dir", str(data_dir))
    assert not socket_dir.exists()


@pytest.mark.heavy
def test_a_dev_whose_data_directory_is_wiped_runs_on_unready_and_names_the_directory(data_dir: Path) -> None:
    dev = Dev(data_dir)
    try:
        url = dev.until(r"dashboard +(http://\S+)/")[1]
        command = dev.until(r"user token +(.* token .*)")[1]
        headers = {"Authorization": f"Bearer {pasted(command).strip()}"}
        shutil.rmtree(data_dir)
        notice = dev.until(rf"dev: {data_dir}/server was removed or replaced")
        with httpx.Client(base_url=url, trust_env=False, headers=headers) as client:
            unready = until(lambda: None if (answer := client.get("/readyz")).is_success else answer)
            assert unready.status_code == 503
            assert f"{data_dir}/server was removed or replaced" in unready.json()["detail"]
            order = {"market": "BTC", "side": "long", "notional_usd": "1500.00", "leverage": 5}
            assert client.post("/v1/trades", json=order).status_code == 503
            assert client.get("/livez").status_code == 200

        worker = dev.child("deploy.cli.main worker")
        os.kill(worker, signal.SIGKILL)
        dev.until(r"dev: worker 1 ended \(by SIGKILL\); it is not started again")
        dev.process.send_signal(signal.SIGINT)
        assert dev.process.wait(END_S) == 0
        assert sum(notice[0] in line for line in dev.lines) == 1
        assert not any(re.search(r"\bey[\w-]+\.ey", line) for line in dev.lines), "no token is printed"
    finally:
        dev.close()


def test_an_error_is_reported_before_anything_is_started(tmp_path: Path, data_dir: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_text("a,b\n1,2\n")
    dev = Dev(data_dir, "--replay", str(bad))
    try:
        dev.until("^astratrade: bad.csv lacks the columns executed_at")
        assert dev.process.wait(END_S) == 1
    finally:
        dev.close()
    assert not data_dir.exists()


@pytest.mark.parametrize(
    ("url", "says"),
    [("unix:///nowhere/s", "no answer from the broker"), ("kafka://127.0.0.1:1", "no answer from Kafka")],
)
@pytest.mark.sample(1)
def test_an_absent_or_foreign_broker_is_reported_at_once(data_dir: Path, url: str, says: str) -> None:
    dev = Dev(data_dir, broker_url=url)
    try:
        dev.until(f"^astratrade: .*{says}")
        assert dev.process.wait(END_S) == 1
    finally:
        dev.close()


def test_a_password_is_not_shown() -> None:
    assert without_password("rediss://me:hunter2@h:6379/1") == "rediss://me:***@h:6379/1"
    assert without_password("unix:///tmp/s") == "unix:///tmp/s"
