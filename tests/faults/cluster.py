"""The processes of one run: workers in named slots and an API, each with a link of its own to the broker."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from tests.e2e.children import Child
from tests.e2e.pipeline import Pipeline
from tests.faults.plan import API, first_slots, shard_of_slot
from tests.faults.proxy import Links, Proxy


class Cluster:
    """Workers and the API. Start it with `with`.

    Attributes:
        live: The processes that should be alive now, by the name of their slot.
        busy: Slots (and the server) whose process a fault is taking away or bringing back.
    """

    def __init__(self, pipeline: Pipeline, say: Callable[[str], None]) -> None:
        self.pipeline = pipeline
        self.say = say
        self.live: dict[str, Child] = {}
        self.busy: set[str] = set()
        self.shards = len(pipeline.servers)
        self.proxies = [Proxy(Path(urlsplit(server.url).path)) for server in pipeline.servers]

    def __enter__(self) -> Self:
        for proxy in self.proxies:
            proxy.__enter__()
        for name in (API, *first_slots(self.shards)):
            self.start(name)
        self.pipeline.wait_until_ready()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for proxy in self.proxies:
            proxy.__exit__(kind, error, trace)

    def link(self, name: str) -> Links:
        """Return the links of a process to all brokers."""
        return Links([proxy.link(name) for proxy in self.proxies])

    def start(self, name: str) -> None:
        """Start the process of a slot on the local state of its predecessor."""
        broker = self.link(name).url
        if name == API:
            child = self.pipeline.start(API, "api", ASTRA_BROKER_URL=broker)
        else:
            shard = str(shard_of_slot(name, self.shards))
            words = ("worker", "--name", name, "--shard", shard)
            child = self.pipeline.start(f"worker-{name}", *words, ASTRA_BROKER_URL=broker)
        self.live[name] = child

    def kill(self, name: str) -> None:
        self.live.pop(name).kill()

    def kill_workers(self) -> None:
        for name in self.live.keys() - {API}:
            self.kill(name)

    def ask(self, name: str) -> Child:
        """Send SIGTERM to the process of a slot, which is then expected to end; return the process."""
        child = self.live.pop(name)
        child.ask()
        return child

    def wipe(self, name: str) -> None:
        """Remove a worker's local state, if it has any."""
        shutil.rmtree(self.pipeline.directory / "workers" / name, ignore_errors=True)

    def signal_server(self, shard: int, number: signal.Signals) -> None:
        os.kill(self.pipeline.servers[shard].pid, number)

    def check(self) -> None:
        """Fail when a process that should live has ended."""
        for name, child in self.live.items():
            assert child.exit_code is None, f"{name} ended by itself:\n{child.last_words()}"
