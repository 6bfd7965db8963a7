"""The indexer process: follow the chain of the node, serve probes and metrics, and stop at a signal."""

from __future__ import annotations

import asyncio
import logging
import socket
from typing import Any, Final

from faust_redis.log import Log, TopicSpec

from api.kit.clock import now
from contracts.indexer.addresses import contracts_of, first_blocks_of
from contracts.indexer.blocks import Blocks
from contracts.indexer.indexer import Indexer, Policy
from contracts.indexer.new_heads import NewHeads
from contracts.indexer.node import Node
from contracts.indexer.service import IndexerService
from contracts.indexer.store import StateStore
from deploy.broker import log_url
from deploy.errors import SettingsError
from deploy.run.indexer_metrics import IndexerMetrics
from deploy.run.single_service import lease_of, run_until_signal
from deploy.run.tracing import tracing
from deploy.run.worker_server import application, listen, serving
from deploy.settings import Settings
from streams import topics
from streams.services import Kind, ServiceLease
from streams.spans import Spans
from streams.topology import changelog_topic
from tables.domains import TOPOLOGY

BLOCKS_TABLE: Final = "chain-blocks"

logger = logging.getLogger(__name__)


class IndexerHealth:
    """The health of the indexer process. It lives while its event loop answers."""

    def __init__(self, service: IndexerService) -> None:
        self._service = service

    async def live(self) -> tuple[bool, dict[str, Any]]:
        """Return that the process lives."""
        return True, {"status": "live"}

    async def ready(self) -> tuple[bool, dict[str, Any]]:
        """Return whether the indexer reaches node and broker, with its blocks; else also with the fault."""
        good, service = self._service.is_indexing, self._service
        counts = service.indexer.counts
        body: dict[str, Any] = {"block": counts.cursor, "final": counts.final, "blocks_behind": service.behind_blocks}
        return good, body | ({"status": "indexing"} if good else {"status": "waits", "detail": service.trouble})


def run_indexer(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        IndexerError: node, log and settings do not belong together.
        BrokerError: no server is configured, and none runs on the data directory.
        SettingsError: no node or no contract is configured, or the port of probes and metrics is in use.
    """
    node_url = settings.starknet_node_url
    if node_url is None or not settings.indexer_contracts:
        raise SettingsError(
            "set ASTRA_STARKNET_NODE_URL and ASTRA_INDEXER_CONTRACTS: the indexer reads these contracts"
        )
    url = log_url(settings)
    listener = listen(settings.indexer_host, settings.indexer_port, "ASTRA_INDEXER_PORT")
    with tracing(settings, "indexer") as spans:
        asyncio.run(_run(settings, Node(node_url.get_secret_value()), url, listener, spans))


def state_spec(settings: Settings) -> TopicSpec:
    """Return the declaration of the topic with the indexer's state."""
    return TopicSpec(changelog_topic(settings.app_id, BLOCKS_TABLE), 1, "compact", retention_ms=settings.tail_ms)


def facts_spec(settings: Settings) -> TopicSpec:
    """Return the declaration of the topic that gets the facts."""
    specs = {spec.name: spec for spec in TOPOLOGY.topic_specs(*settings.topic_options)}
    return specs[topics.CHAIN_EVENTS]


async def _run(settings: Settings, node: Node, url: str, listener: socket.socket, spans: Spans | None) -> None:
    log = Log(url, settings.namespace, owner=settings.app_id)
    store = StateStore(log, settings.starknet_chain_id, facts_spec(settings), state_spec(settings))
    blocks = Blocks(node, settings.starknet_chain_id, contracts_of(settings.indexer_contracts))
    policy = Policy(
        settings.starknet_chain_id,
        settings.indexer_start,
        settings.indexer_final_after,
        first_blocks_of(settings.indexer_contracts),
    )
    indexer = Indexer(blocks, store, policy, now, spans)
    socket_url = settings.indexer_socket_url
    heads = NewHeads(socket_url.get_secret_value() if socket_url else None)
    service = IndexerService(indexer, log.check, settings.indexer_poll_ms / 1_000, now, heads)
    lease = lease_of(settings, log, Kind.INDEXER, listener, lambda: None if service.is_indexing else service.trouble)
    try:
        await run_until_signal(_serve(service, IndexerMetrics(service, blocks, spans), lease, listener))
    finally:
        await log.close()
        await node.close()


async def _serve(
    service: IndexerService, metrics: IndexerMetrics, lease: ServiceLease, listener: socket.socket
) -> None:
    app = application(IndexerHealth(service), metrics.text)
    async with serving(listener, app, metrics.process), lease.held():
        logger.info("the indexer starts; probes and metrics at http://%s:%d", *listener.getsockname()[:2])
        await service.run()
