"""The whole pipeline on Kafka, as real processes: those of `tests.e2e.pipeline`, and a bridge."""

from pathlib import Path
from types import TracebackType

from aiokafka.admin import AIOKafkaAdminClient

from tests.e2e.children import Child
from tests.e2e.pipeline import Pipeline

LEASE_MS, HEARTBEAT_MS, REBALANCE_MS = 6_000, 500, 2_000
"""Kafka takes no session below 6 s, unless it is told to."""

OURS = ("astra.", "astratrade-")


class KafkaPipeline(Pipeline):
    """A pipeline with workers on the Kafka at `bootstrap` and views on a server of its own."""

    def __init__(self, directory: Path, bootstrap: str, *, workers: int = 1) -> None:
        super().__init__(directory, workers=workers, lease_ms=LEASE_MS)
        self.bootstrap = bootstrap
        self.bridges: list[Child] = []

    def environment(self, **settings: str) -> dict[str, str]:
        ours = {
            "ASTRA_BROKER_URL": f"kafka://{self.bootstrap}",
            "ASTRA_VIEWS_URL": self.server.url,
            "ASTRA_HEARTBEAT_MS": str(HEARTBEAT_MS),
            "ASTRA_REBALANCE_MS": str(REBALANCE_MS),
        }
        return super().environment(**(ours | settings))

    def start_api(self, **settings: str) -> Child:
        self.start_bridge()
        return super().start_api(**settings)

    def start_bridge(self) -> Child:
        bridge = self.start("bridge", "bridge")
        self.bridges.append(bridge)
        return bridge

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            for worker in self.workers:
                worker.stop()  # The bridge must leave its group, which the next test may join.
        super().__exit__(kind, error, trace)


async def our_topics(bootstrap: str) -> list[str]:
    """Return the topics of the product on a broker."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        return sorted(name for name in await client.list_topics() if name.startswith(OURS))
    finally:
        await client.close()


async def delete_our_topics(bootstrap: str) -> None:
    """Delete the product's topics, and with them the groups' committed offsets."""
    names = await our_topics(bootstrap)
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        if names:
            await client.delete_topics(names)
    finally:
        await client.close()
