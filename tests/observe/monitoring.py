"""A real Prometheus and Alertmanager on the checked-in configuration, and a receiver of what Alertmanager posts."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import httpx
import yaml

from tests.observe.rules import write
from tests.ports import free_port
from tests.source import ROOT

OBSERVE: Final = ROOT / "deploy" / "observe"
PROMETHEUS: Final = ("prometheus",)
ALERTMANAGER: Final = ("alertmanager", "prometheus-alertmanager")
"""Debian's package calls it by the longer name."""

SCRAPE: Final = "1s"
READY_S: Final = 60.0
LOOK_AGAIN_S: Final = 0.2
HOST: Final = "127.0.0.1"
FoundT = TypeVar("FoundT")


class MissingError(Exception):
    """A program is not installed."""


def program(names: Sequence[str]) -> str:
    """Return the path of a program.

    Raises:
        MissingError: none of its names is on PATH.
    """
    for name in names:
        if path := shutil.which(name):
            return path
    raise MissingError(f"{names[0]} is not on PATH; Debian has the packages prometheus and prometheus-alertmanager")


def until(look: Callable[[], FoundT], within_s: float, what: str) -> FoundT:
    """Wait until something is found; return it.

    Raises:
        AssertionError: it was not found in time.
    """
    deadline = time.monotonic() + within_s
    while True:
        try:
            if found := look():
                return found
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, f"not within {within_s:.0f} s: {what}"
        time.sleep(LOOK_AGAIN_S)


class Receiver:
    """An HTTP server that keeps the alerts which Alertmanager posts."""

    def __init__(self) -> None:
        self.alerts: list[Mapping[str, Any]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.alerts.extend(body["alerts"])
                self.send_response(200)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
                """Print nothing."""

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self.url = f"http://{HOST}:{self._server.server_address[1]}/"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def has(self, name: str, status: str) -> bool:
        """Return whether an alert has come with a status: `firing` or `resolved`."""
        return any(alert["labels"]["alertname"] == name and alert["status"] == status for alert in self.alerts)

    def close(self) -> None:
        """Stop the server."""
        self._server.shutdown()
        self._server.server_close()


class Monitoring:
    """Prometheus, Alertmanager and a receiver. Start them with `with`."""

    def __init__(self, directory: Path, targets: Mapping[str, Sequence[str]], pace: float) -> None:
        """Prepare the configuration.

        Args:
            directory: For configuration and data.
            targets: The addresses of the processes, by job.
            pace: By how much to shorten the windows and waits of the rules, and Alertmanager's.
        """
        self.directory = directory
        self.receiver = Receiver()
        self._ports = free_port(), free_port()
        self._resources = ExitStack()
        self._resources.callback(self.receiver.close)
        directory.mkdir(parents=True)
        write(directory / "rules", pace)
        self._dump("prometheus.yaml", self._prometheus(targets))
        self._dump("alertmanager.yaml", self._alertmanager())

    def _prometheus(self, targets: Mapping[str, Sequence[str]]) -> dict[str, Any]:
        config: dict[str, Any] = yaml.safe_load((OBSERVE / "prometheus.yaml").read_text("utf-8"))
        config["global"] = {"scrape_interval": SCRAPE, "evaluation_interval": SCRAPE}
        config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [f"{HOST}:{self._ports[1]}"]
        assert {job["job_name"] for job in config["scrape_configs"]} == targets.keys()
        for job in config["scrape_configs"]:
            job.pop("dns_sd_configs", None)
            job["static_configs"] = [{"targets": list(targets[job["job_name"]])}]
        return config

    def _alertmanager(self) -> dict[str, Any]:
        config: dict[str, Any] = yaml.safe_load((OBSERVE / "alertmanager.yaml").read_text("utf-8"))
        for route in config["route"], *config["route"]["routes"]:
            route |= {"group_wait": SCRAPE, "group_interval": SCRAPE}
        for receiver in config["receivers"]:
            receiver["webhook_configs"] = [{"url": self.receiver.url, "send_resolved": True}]
        return config

    def _dump(self, name: str, config: Mapping[str, Any]) -> None:
        (self.directory / name).write_text(yaml.safe_dump(config), "utf-8")

    def __enter__(self) -> Self:
        prometheus, alertmanager = (f"{HOST}:{port}" for port in self._ports)
        self.client = self._resources.enter_context(
            httpx.Client(base_url=f"http://{prometheus}", trust_env=False, timeout=READY_S)
        )
        try:
            self._start(
                program(ALERTMANAGER), "--config.file=alertmanager.yaml", f"--web.listen-address={alertmanager}",
                "--storage.path=alerts", "--cluster.listen-address=",
            )  # fmt: skip
            self._start(
                program(PROMETHEUS), "--config.file=prometheus.yaml", f"--web.listen-address={prometheus}",
                "--storage.tsdb.path=series",
            )  # fmt: skip
            until(lambda: self.client.get("/-/ready").is_success, READY_S, "Prometheus is ready")
        except BaseException:
            self._resources.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._resources.close()

    def _start(self, *command: str) -> None:
        log = self._resources.enter_context((self.directory / f"{Path(command[0]).name}.log").open("wb"))
        process = subprocess.Popen(command, cwd=self.directory, stdout=log, stderr=log)
        self._resources.callback(process.wait)
        self._resources.callback(process.kill)

    def has_data(self, expr: str, since_s: float) -> bool:
        """Return whether a query had a finite value at some second since a Unix time."""
        asked = {"query": expr, "start": since_s, "end": time.time(), "step": 1}
        found = self._get("/api/v1/query_range", asked)["result"]
        return any(math.isfinite(float(value)) for series in found for _, value in series["values"])

    def firing(self) -> set[str]:
        """Return the names of the alerts that fire."""
        found = self._get("/api/v1/alerts", {})["alerts"]
        return {alert["labels"]["alertname"] for alert in found if alert["state"] == "firing"}

    def _get(self, path: str, parameters: Mapping[str, Any]) -> Any:
        answer = self.client.get(path, params=dict(parameters))
        assert answer.is_success, answer.text
        return answer.json()["data"]
