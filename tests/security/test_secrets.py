"""No process prints a secret, whatever fails: a wrong password, an absent server, a bad setting, a crash."""

from __future__ import annotations

import os
import secrets
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

import httpx
import pytest
import redis
from faust_redis.log.connection import without_password

from deploy.server.embedded import EmbeddedServer
from deploy.server.server_binary import find_binary
from tests.e2e.children import Child
from tests.e2e.pipeline import CLI, Pipeline
from tests.e2e.waiting import eventually
from tests.source import PYTHON_PATH

SECRET = "hunter2-" + secrets.token_hex(8)
AT_ONCE = 5
NOWHERE = "127.0.0.1:1"
WAITING = ("no answer", "cannot be reached", "Unable to")
"""What a process prints that waits for its server."""


def start(directory: Path, name: str, *arguments: str, **settings: str) -> Child:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("ASTRA_")}
    ours = {
        "PYTHONPATH": PYTHON_PATH,
        "PYTHONUNBUFFERED": "1",
        "ASTRA_DATA_DIR": str(directory / "data"),
        "ASTRA_API_PORT": "0",
        "ASTRA_LOG_LEVEL": "debug",
        "ASTRA_SECRET": f"{SECRET}-{'s' * 32}",
        "ASTRA_LOG_KEY": f"{SECRET}-{'k' * 32}",
        "ASTRA_TRACE_SAMPLE": "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://{NOWHERE}",
        "OTEL_EXPORTER_OTLP_HEADERS": f"x-key={SECRET}",
    }
    return Child(name, [*CLI, *arguments], {**inherited, **ours, **settings}, directory)


def printed(child: Child) -> str:
    """Return the output of a process once it has ended, or has said what it waits for and was asked to end."""
    waits = "doctor" not in child.name  # the doctor says what is absent, and ends by itself

    def failed() -> bool:
        return child.exit_code is not None or (waits and any(word in child.output() for word in WAITING))

    try:
        eventually(failed, within_s=60, what=f"{child.name} fails")
        child.stop()
    finally:
        child.kill()
    return child.output()


def failures(socket: str) -> Mapping[str, tuple[list[str], dict[str, str]]]:
    """Return commands that fail by name, with their settings."""
    wrong = {"ASTRA_BROKER_URL": f"unix://user:{SECRET}@{socket}"}
    option = {"ASTRA_BROKER_URL": f"unix://{socket}?password={SECRET}"}
    away = {"ASTRA_BROKER_URL": f"redis://user:{SECRET}@{NOWHERE}"}
    kafka = {
        "ASTRA_BROKER_URL": f"kafka://user:{SECRET}@{NOWHERE}",
        "ASTRA_VIEWS_URL": f"redis://user:{SECRET}@{NOWHERE}",
    }
    database = f"postgresql://user:{SECRET}@{NOWHERE}/accounts"
    bad = {"ASTRA_BROKER_URL": f"amqp://user:{SECRET}@{NOWHERE}"}
    return {
        "worker-wrong-password": (["worker"], wrong),
        "api-wrong-password": (["api"], wrong),
        "topics-wrong-password": (["topics"], wrong),
        "worker-password-as-option": (["worker"], option),
        "api-password-as-option": (["api"], option),
        "dev-password-as-option": (["dev"], option),
        "doctor-password-as-option": (["doctor"], option),
        "dev-away": (["dev"], away),
        "worker-away": (["worker"], away),
        "dev-kafka-away": (["dev"], kafka),
        "bridge-away": (["bridge"], kafka),
        "bad-scheme": (["worker"], bad),
        "bad-port": (["worker"], {"ASTRA_BROKER_URL": f"redis://user:{SECRET}@broker:port"}),
        "bad-option": (["topics"], {"ASTRA_BROKER_URL": f"redis://user:{SECRET}@{NOWHERE}?bogus=1"}),
        "api-database-away": (["api"], {"ASTRA_BROKER_URL": f"unix://{socket}", "ASTRA_DATABASE_URL": database}),
        "database-away": (["database", "current"], {"ASTRA_DATABASE_URL": database}),
        "accounts-database-away": (["accounts", "list"], {"ASTRA_DATABASE_URL": database}),
        "bad-database": (["api"], {"ASTRA_DATABASE_URL": f"mysql://user:{SECRET}@{NOWHERE}/accounts"}),
        "doctor-node-away": (["doctor"], {"ASTRA_STARKNET_NODE_URL": f"http://user:{SECRET}@{NOWHERE}/{SECRET}"}),
        "bad-node": (["api"], {"ASTRA_STARKNET_NODE_URL": f"ws://user:{SECRET}@{NOWHERE}/{SECRET}"}),
        "short-secret": (["api"], {"ASTRA_SECRET": SECRET}),
    }


@pytest.mark.slow
def test_no_process_prints_a_secret_whatever_fails(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "server", find_binary()) as server:
        socket = server.url.removeprefix("unix://")
        with redis.Redis(unix_socket_path=socket) as client:
            client.config_set("requirepass", "another")
        failing = list(failures(socket).items())
        for first in range(0, len(failing), AT_ONCE):
            some = failing[first : first + AT_ONCE]
            children = [start(tmp_path, name, *arguments, **settings) for name, (arguments, settings) in some]
            for child in children:
                output = printed(child)
                assert output, child.name
                assert SECRET not in output, f"{child.name} printed it:\n{output}"


def test_a_secret_of_a_file_of_settings_is_not_printed_either(tmp_path: Path) -> None:
    file = tmp_path / "astratrade.toml"
    for text in (f'broker_url = "amqp://user:{SECRET}@x"', f'secret = "{SECRET}"', f'broker_url = "{SECRET}'):
        file.write_text(text)
        output = printed(start(tmp_path, f"toml-{len(text)}", "worker", ASTRA_CONFIG=str(file), ASTRA_SECRET=""))
        assert "accepted" in output or "not valid TOML" in output
        assert SECRET not in output


@pytest.mark.slow
@pytest.mark.heavy
def test_running_processes_print_neither_their_secret_nor_a_callers_token(tmp_path: Path) -> None:
    """The processes log at their most talkative; one answers bad requests, its broker goes away, and one crashes."""
    with Pipeline(tmp_path, workers=0, api=False) as pipeline:
        api = pipeline.start("api", "api", ASTRA_LOG_LEVEL="debug", ASTRA_LOG_FORMAT="json")
        program = [sys.executable, "-X", "faulthandler", *CLI[1:]]
        worker = pipeline.start("worker", "worker", program=program, ASTRA_LOG_LEVEL="debug")
        pipeline.wait_until_listening()
        token = pipeline.run("token", "--role", "user", "--user", "alice").split()[-1]
        with pipeline.client_with(token) as client:
            for body in (b"{", b'{"market":1}', b"\xff"):
                client.post("/v1/trades", content=body, headers={"Content-Type": "application/json"})
            client.get("/v1/users/bob/positions", params={"access_token": token})
            pipeline.kill_server()
            assert client.get("/v1/users/alice/positions").status_code == httpx.codes.SERVICE_UNAVAILABLE
        worker.ended_by_us = True
        worker.popen.send_signal(signal.SIGABRT)
        worker.popen.wait(20)
        api.stop()
        printed_token = [child.name for child in pipeline.children if token in child.output()]
        assert printed_token == [child.name for child in pipeline.children if child.name.endswith("-token")]
        for child in (api, worker):
            assert child.output()
            assert pipeline.secret not in child.output()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://user:pass@host:1/0", "redis://user:***@host:1/0"),
        ("redis://:p@ss@host", "redis://:***@host"),
        ("unix:///run/s?db=1&password=pass", "unix:///run/s?db=1&password=***"),
        ("rediss://host?ssl_password=pass&password=p&db=1", "rediss://host?ssl_password=***&password=***&db=1"),
        ("redis://host:1", "redis://host:1"),
    ],
)
def test_an_address_is_shown_without_its_passwords(url: str, shown: str) -> None:
    assert without_password(url) == shown
