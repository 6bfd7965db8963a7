"""A primary, a replica and three Sentinels, as processes of the embedded server's binary on free ports."""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Literal, Self

from redis import Redis
from redis.exceptions import RedisError

from deploy.server import process
from deploy.server.server_binary import ServerBinary, find_binary
from tests.e2e.waiting import eventually
from tests.ports import free_port

Fsync = Literal["everysec", "always"]
SERVICE: Final = "astra"
SENTINELS: Final = 3
QUORUM: Final = 2
DOWN_AFTER_MS: Final = 2_000
"""How long a primary may not answer. Sentinel's own default is 30 s."""
MAX_LAG_S: Final = 3
START_S: Final = 30.0


class Brokers:
    """A replicated broker. It has the interface of the embedded server that the pipeline of the tests uses.

    Attributes:
        ports: The ports of the two servers; the first one begins as the primary.
        sentinel_ports: The ports of the Sentinels.
    """

    exit_code: int | None = None

    def __init__(self, directory: Path, *, min_replicas: int, fsync: Fsync, down_after_ms: int = DOWN_AFTER_MS) -> None:
        self._directory = directory
        self._binary: ServerBinary = find_binary()
        self._min_replicas, self._fsync, self._down_after_ms = min_replicas, fsync, down_after_ms
        self.ports = [free_port(), free_port()]
        self.sentinel_ports = [free_port() for _ in range(SENTINELS)]
        self._children: dict[int, process.Child] = {}

    @property
    def url(self) -> str:
        """Return the URL by which clients reach the primary of the moment."""
        first, *others = [f"127.0.0.1:{port}" for port in self.sentinel_ports]
        return f"redis://{first}?sentinel={SERVICE}&sentinels={','.join(others)}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start everything, and wait until the replica follows and each Sentinel knows the others."""
        self._directory.mkdir(parents=True, exist_ok=True)
        for port in self.ports:
            self.start_server(port)
        self.ask(self.ports[1], "REPLICAOF", "127.0.0.1", self.ports[0])
        eventually(
            lambda: self.info(self.ports[1]).get("master_link_status") == "up", within_s=START_S, what="a replica"
        )
        for port in self.sentinel_ports:
            self._start_sentinel(port)
        eventually(self._watched, within_s=START_S, what="the Sentinels know each other and the replica")

    def stop(self) -> None:
        """End all processes."""
        for child in self._children.values():
            with suppress(ProcessLookupError):
                child.send_signal(signal.SIGCONT)
            process.kill(child)

    def start_server(self, port: int) -> None:
        """Start a server with its own files, and wait until it answers."""
        place = self._directory / str(port)
        place.mkdir(exist_ok=True)
        options = {
            "port": port,
            "bind": "127.0.0.1",
            "dir": place,
            "save": "",
            "appendonly": "yes",
            "appendfsync": self._fsync,
            "maxmemory-policy": "noeviction",
            "min-replicas-to-write": self._min_replicas,
            "min-replicas-max-lag": MAX_LAG_S,
            "repl-diskless-sync-delay": 0,
        }
        self._spawn(port, *(str(part) for name, value in options.items() for part in (f"--{name}", value)))
        eventually(lambda: self.info(port) != {}, within_s=START_S, what=f"server {port} answers")

    def _start_sentinel(self, port: int) -> None:
        file = self._directory / f"sentinel-{port}.conf"
        file.write_text(
            f"port {port}\nbind 127.0.0.1\ndir {self._directory}\n"
            f"sentinel monitor {SERVICE} 127.0.0.1 {self.ports[0]} {QUORUM}\n"
            f"sentinel down-after-milliseconds {SERVICE} {self._down_after_ms}\n"
            f"sentinel failover-timeout {SERVICE} 10000\n"
        )
        self._spawn(port, str(file), "--sentinel")
        eventually(lambda: self.info(port) != {}, within_s=START_S, what=f"Sentinel {port} answers")

    def _spawn(self, port: int, *arguments: str) -> None:
        with (self._directory / f"{port}.log").open("ab") as log:
            self._children[port] = process.spawn([str(self._binary.path), *arguments], env=dict(os.environ), output=log)

    def _watched(self) -> bool:
        for port in self.sentinel_ports:
            found = self.ask(port, "SENTINEL", "MASTER", SERVICE)
            state = found if isinstance(found, dict) else dict(zip(found[::2], found[1::2], strict=True))
            if int(state["num-other-sentinels"]) < SENTINELS - 1 or int(state["num-slaves"]) < 1:
                return False
        return True

    # --- what they say ------------------------------------------------------------------------------------------------

    def ask(self, port: int, *command: Any) -> Any:
        """Return the answer of a server or a Sentinel."""
        with Redis(port=port, socket_timeout=2.0, decode_responses=True, protocol=2) as client:
            return client.execute_command(*command)

    def info(self, port: int) -> dict[str, Any]:
        """Return what a server says of itself, or nothing when it does not answer."""
        try:
            found: dict[str, Any] = self.ask(port, "INFO")
        except (RedisError, OSError):
            return {}
        return found

    def primary(self) -> int:
        """Return the port of the primary by the majority of the Sentinels."""
        votes = [int(self.ask(port, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE)[1]) for port in self.sentinel_ports]
        return max(set(votes), key=votes.count)

    # --- faults -------------------------------------------------------------------------------------------------------

    def kill(self, port: int) -> None:
        """Send SIGKILL to a server."""
        process.kill(self._children[port])

    def pause(self, port: int) -> None:
        """Stop a server's process, as a partition that cuts it off from everything."""
        self._children[port].send_signal(signal.SIGSTOP)

    def cut_off(self, replica: int, primary: int) -> None:
        """Stop a replica and end its connection, so that nothing that the primary sends from now on reaches it."""
        self.pause(replica)
        self.ask(primary, "CLIENT", "KILL", "TYPE", "replica")

    def resume(self, port: int) -> None:
        """Let a server's process go on."""
        self._children[port].send_signal(signal.SIGCONT)

    def wait_for_another(self, old: int, within_s: float) -> float:
        """Wait until the Sentinels name another primary and it is one; return the seconds that this took."""
        began = time.monotonic()
        eventually(
            lambda: (new := self.primary()) != old and self.info(new).get("role") == "master",
            within_s=within_s,
            what="a replica is promoted",
        )
        return time.monotonic() - began

    def wait_for_replica(self, port: int, within_s: float) -> None:
        """Wait until a server follows the primary."""
        eventually(
            lambda: self.info(port).get("master_link_status") == "up", within_s=within_s, what=f"{port} is a replica"
        )
