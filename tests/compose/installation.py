"""One installation of deploy/compose.yaml. Uses only the standard library, so that a clean clone can run it."""

from __future__ import annotations

import json
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from deploy import images
from tests.compose import podman, standins

URL, PROMETHEUS, JAEGER = "http://127.0.0.1:8000", "http://127.0.0.1:9090", "http://127.0.0.1:16686"
PORTS = (8000, 9090, 9093, 16686, 3000)
READY_S = 300.0
LOOK_AGAIN_S = 0.5
KINDS = (("ps", "--all"), ("volume", "ls"), ("network", "ls"))


class Installation:
    """The services of compose.yaml under a name of a project."""

    def __init__(self, project: str, *, chain: bool = False, **variables: str) -> None:
        """Prepare the images.

        Args:
            project: The name of the project.
            chain: Whether to run the profile with a devnet and what follows it.
            variables: Those that compose.yaml reads.
        """
        self.builder = images.Builder()
        self.project = project
        self._environment = {**podman.environment(self.builder), **variables}
        found = standins.provide(self.builder)
        self.left_out = sorted(service for service, image in found.items() if image is None)
        others = {service: {"image": image} for service, image in found.items() if image not in (None, _of(service))}
        path = podman.cache() / f"{project}.json"  # it stays, because `down` needs it, too
        path.write_text(json.dumps({"services": others}), "utf-8")
        self._command = [*podman.command(self.builder), "--project-name", project, "--file", str(podman.COMPOSE)]
        self._command += ["--file", str(path)] if others else []
        self._command += ["--profile", "chain"] if chain else []

    def services(self) -> list[str]:
        """Return the services that can run here."""
        listed = self.compose("config", "--services").split()
        return [service for service in listed if service not in self.left_out]

    def compose(self, *words: str) -> str:
        """Run a command of compose; return what it printed. Its messages are printed only when it failed.

        Raises:
            CalledProcessError: it failed.
        """
        done = subprocess.run(
            [*self._command, *words], env=self._environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            podman.say(f"{words[0]} failed:\n{done.stdout}{done.stderr}")
            done.check_returncode()
        return done.stdout

    def up(self, *, without: tuple[str, ...] = ()) -> float:
        """Start all services but some; return the seconds until the gateway was ready."""
        began = time.monotonic()
        started = [service for service in self.services() if service not in without]
        self.compose("up", "--detach", *started)
        until(lambda: read(f"{URL}/readyz")["status"] == "ready", "the gateway is ready")
        return time.monotonic() - began

    def down(self, *options: str) -> None:
        """Stop all services and remove their containers."""
        self.compose("down", *options)

    def astratrade(self, *words: str, service: str = "gateway") -> str:
        """Run a command of the product in a container."""
        return self.compose("exec", "-T", service, "astratrade", *words)

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return what the engine knows of the container of each service."""
        found = json.loads(self.builder.run("inspect", *self._of_project("ps", "--all")).stdout)
        return {each["Config"]["Labels"]["com.docker.compose.service"]: each for each in found}

    def is_healthy(self, service: str) -> bool:
        """Return whether the health check of a service succeeds. Without systemd, podman runs it only when asked."""
        container = self.containers()[service]
        if self.builder.name == "docker":
            return bool(container["State"]["Health"]["Status"] == "healthy")
        return self.builder.run("healthcheck", "run", str(container["Name"])).returncode == 0

    def memory(self) -> str:
        """Return the memory that each container uses, a line for each."""
        shape = "{{.Name}} {{.MemUsage}}"
        lines = self.builder.run("stats", "--no-stream", "--format", shape, *self._of_project("ps")).stdout.splitlines()
        return "\n".join(sorted(line.partition(" / ")[0].removeprefix(self.project)[1:] for line in lines))

    def remains(self) -> list[str]:
        """Return the containers, volumes and networks of the project."""
        return [name for kind in KINDS for name in self._of_project(*kind)]

    def _of_project(self, *kind: str) -> list[str]:
        name = "{{.Names}}" if kind[0] == "ps" else "{{.Name}}"
        label = f"label=com.docker.compose.project={self.project}"
        return self.builder.run(*kind, "--filter", label, "--format", name).stdout.split()


def _of(service: str) -> str:
    return standins.official()[service]


def taken() -> list[int]:
    """Return the ports of the installation at which something listens already."""
    found = []
    for port in PORTS:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            found.append(port)
    return found


def read(url: str) -> Any:
    """Return the JSON at a URL."""
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


def until(holds: Callable[[], bool], what: str, within_s: float = READY_S) -> float:
    """Wait until something holds; return the seconds that it took. A server that does not answer is waited for.

    Raises:
        AssertionError: it did not in time.
    """
    began = time.monotonic()
    while True:
        with suppress(OSError):
            if holds():
                return time.monotonic() - began
        assert time.monotonic() - began < within_s, f"not within {within_s:.0f} s: {what}"
        time.sleep(LOOK_AGAIN_S)
