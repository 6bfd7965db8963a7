"""The indexer process: follow the chain of the node, serve probes and metrics, and stop at a signal."""

from __future__ import annotations

import asyncio
import socket
from typing import Final

from faust_redis.log import TopicSpec

from api.kit.clock import now
from contracts.indexer.addresses import contracts_of, first_blocks_of
from contracts.indexer.blocks import Blocks
from contracts.indexer.indexer import Indexer, Policy
from contracts.indexer.new_heads import NewHeads
from contracts.indexer.node import Node
from contracts.indexer.service import IndexerService
from contracts.indexer.store import StateStore
from deploy.broker import log_of, log_url
from deploy.declared_topics import event_topics
from deploy.errors import SettingsError
from deploy.run.indexer_metrics import IndexerMetrics
from deploy.run.single_service import Report, readiness, run_service
from deploy.run.tracing import tracing
from deploy.run.worker_server import listen
from deploy.settings import Settings
from streams import topics
from streams.services import Kind
from streams.spans import Spans
from streams.topology import changelog_topic

BLOCKS_TABLE: Final = "chain-blocks"


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
    log_url(settings)  # raise before anything starts
    listener = listen(settings.indexer_host, settings.indexer_port, "ASTRA_INDEXER_PORT")
    with tracing(settings, "indexer") as spans:
        asyncio.run(_run(settings, Node(node_url.get_secret_value()), listener, spans))


def state_spec(settings: Settings) -> TopicSpec:
    """Return the declaration of the topic with the indexer's state."""
    return TopicSpec(changelog_topic(settings.app_id, BLOCKS_TABLE), 1, "compact", retention_ms=settings.tail_ms)


def facts_spec(settings: Settings) -> TopicSpec:
    """Return the declaration of the topic that gets the facts."""
    return event_topics(settings)[topics.CHAIN_EVENTS]


async def _run(settings: Settings, node: Node, listener: socket.socket, spans: Spans | None) -> None:
    log = log_of(settings, transit="indexer")
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
    service = IndexerService(indexer, log.check, settings.indexer_poll_ms / 1_000, heads)
    metrics = IndexerMetrics(service, blocks, spans)
    try:
        await run_service(
            settings, log, Kind.INDEXER, listener, work=service.run, report=lambda: _report(service), metrics=metrics
        )
    finally:
        await log.close()
        await node.close()


def _report(service: IndexerService) -> Report:
    indexer, counts = service.connector, service.connector.counts
    return readiness(
        "indexing", service.why_not, block=counts.cursor, final=counts.final, blocks_behind=indexer.behind_blocks
    )
