"""The product runs under the broker's users of `astratrade acl`, and these may do no more than it needs."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis
from click.testing import CliRunner, Result

from deploy.broker_acl import OPERATOR_COMMANDS, OPERATOR_USER, RUNTIME_COMMANDS, RUNTIME_USER, acl_file
from deploy.cli.main import cli
from deploy.errors import SettingsError
from tests.e2e.fills import fill, new_user
from tests.e2e.pipeline import Pipeline
from tests.e2e.waiting import eventually

ROOT = Path(__file__).parents[2]
LUA = ROOT / "streams/faust-redis/src/faust_redis/log/lua"
OPERATORS_SCRIPTS = {"repair", "delete_topic", "inspect", "offsets"}
PASSWORDS = (secrets.token_hex(16), secrets.token_hex(16))
OF_THE_CLIENT = {"client|setinfo", "ping", "select", "unsubscribe"}
"""The client library sends these when it connects, idles or closes."""
OF_AN_ENDING = {"set", "xgroup|setid"}
ON_A_CLUSTER = {"cluster|slots"}
"""A client asks which node has its slot."""


class Restricted(Pipeline):
    """A pipeline whose processes know the broker by the product's own user."""

    def environment(self, **settings: str) -> dict[str, str]:
        return super().environment(**{"ASTRA_BROKER_URL": self.url_as(RUNTIME_USER), **settings})

    def url_as(self, user: str) -> str:
        password = PASSWORDS[user == OPERATOR_USER]
        return self.server.url.replace("unix://", f"unix://{user}:{password}@")

    def restrict(self) -> redis.Redis:
        """Set the users as the file has them; return a client that may do everything."""
        client = redis.Redis(unix_socket_path=self.server.url.removeprefix("unix://"), decode_responses=True)
        for line in acl_file("astra", *PASSWORDS).splitlines():
            _, name, *rules = line.split()
            client.execute_command("ACL", "SETUSER", name, *rules)
        client.config_resetstat()
        return client


def in_scripts(*names: str) -> set[str]:
    """Return the commands that scripts call."""
    found: set[str] = set()
    for name in names:
        text = (LUA / f"{name}.lua").read_text()
        found |= {word.lower() for word in re.findall(r"call\('([A-Z]+)'", text)}
        found |= {"|".join(words).lower() for words in re.findall(r"call\('(XGROUP|XINFO)', '([A-Z]+)'", text)}
    return found - {"xgroup", "xinfo"}


def in_source() -> set[str]:
    """Return the commands that the log's client names; a run need not come by each of them."""
    text = "".join(path.read_text() for path in LUA.parent.glob("*.py"))
    return {word.lower() for word in re.findall(r'"([A-Z]{3,})"', text)}


def used(client: redis.Redis) -> set[str]:
    return {name.removeprefix("cmdstat_") for name in client.info("commandstats")}


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Restricted]:
    with Restricted(tmp_path, workers=0, api=False) as pipeline:
        yield pipeline


@pytest.mark.slow
def test_the_product_runs_under_its_own_user_and_no_command_is_allowed_without_need(pipeline: Restricted) -> None:
    everything = pipeline.restrict()
    first, _ = pipeline.start_worker(), pipeline.start_worker()
    pipeline.start_api()
    pipeline.wait_until_listening()
    pipeline.wait_until_ready()
    user = new_user()
    accepted = pipeline.client("venue", "venue-1").post("/v1/fills", json={"fills": [fill(user)]})
    assert accepted.status_code == httpx.codes.ACCEPTED
    reader = pipeline.client("user", user)
    order = {"market": "BTC", "side": "long", "notional_usd": "100.00", "leverage": 2}
    reader.post("/v1/trades", json=order, headers={"Idempotency-Key": "k"})
    after = accepted.json()["position"]
    assert reader.get(f"/v1/users/{user}/progress", params={"after": after}).json()["trades"] == 1
    for path in ("/v1/leaderboards/xp?period=all", f"/v1/users/{user}/positions", "/v1/stats", "/v1/fees"):
        assert reader.get(path).status_code == httpx.codes.OK, path
    for feed in ("boards?board=xp&period=all", "trades?last=5", "progress"):
        with reader.stream("GET", f"/v1/feed/{feed}") as answer:
            assert next(answer.iter_lines())
    first.kill()
    eventually(lambda: pipeline.is_ready() or None, within_s=30, what="the other worker takes over")
    for child in pipeline.children:
        child.stop()
    assert not denied(everything), "commands that the product lacks"
    needed = (
        used(everything) | in_source() | in_scripts(*({path.stem for path in LUA.glob("*.lua")} - OPERATORS_SCRIPTS))
    )
    superfluous = set(RUNTIME_COMMANDS) - needed - OF_THE_CLIENT - OF_AN_ENDING - ON_A_CLUSTER
    assert not superfluous, f"allowed and never used: {sorted(superfluous)}"


@pytest.mark.slow
def test_the_operators_user_can_do_what_the_commands_do(pipeline: Restricted) -> None:
    everything = pipeline.restrict()
    worker = pipeline.start_worker()
    pipeline.start_api()
    pipeline.wait_until_listening()
    pipeline.wait_until_ready()
    worker.stop()
    url = pipeline.url_as(OPERATOR_USER)
    for arguments in (
        ["topics"], ["groups", "list"], ["groups", "describe", "astratrade-trading"], ["tables", "list"],
        ["dead-letters", "list"], ["doctor"],
        ["groups", "reset", "astratrade-trading", "astra.trading.commands.v1", "--to", "latest"],
        ["groups", "forget", "astratrade-trading"],
        ["topics", "repair", "astra.trading.commands.v1", "0"],
        ["topics", "delete", "astra.trading.commands.v1", "--yes"],
        ["reset", "--yes"],
    ):  # fmt: skip
        result = CliRunner().invoke(cli, arguments, env=pipeline.environment(ASTRA_BROKER_URL=url))
        assert result.exit_code == 0 or "NOPERM" not in repr(result.exception), arguments
    assert not denied(everything), "commands that the operator lacks"
    superfluous = set(OPERATOR_COMMANDS) - used(everything) - in_scripts(*OPERATORS_SCRIPTS)
    assert not superfluous, f"allowed and never used: {sorted(superfluous)}"


def denied(client: redis.Redis) -> list[str]:
    return [f"{entry['username']}: {entry['reason']} {entry['object']}" for entry in client.acl_log()]


def test_neither_user_can_change_the_server_or_read_other_keys(pipeline: Restricted) -> None:
    with pipeline.restrict() as everything:
        everything.set("{other}:secret", "1")
        for user in (RUNTIME_USER, OPERATOR_USER):
            with redis.Redis.from_url(pipeline.url_as(user)) as client:
                for command in (
                    ("CONFIG", "SET", "maxmemory-policy", "allkeys-lru"), ("FLUSHALL",), ("SHUTDOWN",),
                    ("ACL", "LIST"), ("MODULE", "LIST"), ("REPLICAOF", "NO", "ONE"), ("KEYS", "*"), ("MONITOR",),
                    ("GET", "{other}:secret"), ("HGETALL", "{other}:secret"), ("SCRIPT", "FLUSH"), ("CLIENT", "LIST"),
                    ("EVAL", "return redis.call('HGETALL', '{other}:secret')", 0),
                    ("EVAL", "return redis.call('FLUSHALL')", 0), ("PUBLISH", "elsewhere", "x"), ("FUNCTION", "LIST"),
                ):  # fmt: skip
                    with pytest.raises(redis.exceptions.ResponseError, match=r"(?i)no permission|NOPERM|can't access"):
                        client.execute_command(*command)


def acl(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["acl", *arguments], catch_exceptions=False)


def test_the_file_in_the_repository_is_what_the_command_prints() -> None:
    assert (ROOT / "deploy/broker.acl").read_text() == acl().output


def test_the_file_names_passwords_by_their_digest_alone(tmp_path: Path) -> None:
    (tmp_path / "password").write_text(f"{PASSWORDS[0]}\n")
    printed = acl("--password-file", str(tmp_path / "password")).output
    assert PASSWORDS[0] not in printed
    assert printed == acl_file("astra", PASSWORDS[0])
    (tmp_path / "password").write_text("short\n")
    with pytest.raises(SettingsError, match="password holds 5 characters; expected at least 16"):
        acl("--password-file", str(tmp_path / "password"))
