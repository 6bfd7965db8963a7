"""The sink's process: mint and record what users earned, serve probes and metrics, and stop at a signal."""

from __future__ import annotations

import asyncio
import socket
from typing import Final, NamedTuple

from faust_redis.log import Log, TopicSpec

from api.kit.clock import now
from contracts.account.account import Account
from contracts.account.signer import KeystoreSigner
from contracts.connector import ConnectorService
from contracts.indexer.addresses import contracts_of
from contracts.indexer.node import Node
from contracts.sink.people import Contracts
from contracts.sink.reader import TOPICS, EventReader
from contracts.sink.sink import Policy, Sink
from contracts.sink.store import SinkStore
from deploy.broker import log_of, log_url
from deploy.declared_topics import event_topics
from deploy.errors import SettingsError
from deploy.run.indexer import facts_spec
from deploy.run.single_service import Report, readiness, run_service
from deploy.run.sink_metrics import SinkMetrics
from deploy.run.tracing import tracing
from deploy.run.worker_server import listen
from deploy.settings import Settings
from streams.services import Kind
from streams.spans import Spans
from streams.topology import changelog_topic

TABLE: Final = "sink"
NEEDED: Final = ("ASTRA_SINK_ACCOUNT", "ASTRA_SINK_KEYSTORE", "ASTRA_SINK_PASSWORD")
CLASSES: Final = ("GenesisNFT", "Reputation", "Paymaster")


class _Parts(NamedTuple):
    """What the sink works with."""

    contracts: Contracts
    node: Node
    signer: KeystoreSigner


def run_sink(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        SinkError: log, contracts and settings do not belong together.
        SignerError: the keystore cannot be opened.
        BrokerError: no server is configured, and none runs on the data directory.
        SettingsError: a setting is missing, or the port of probes and metrics is in use.
    """
    node_url, keystore, password = settings.starknet_node_url, settings.sink_keystore, settings.sink_password
    if not settings.sink_account or keystore is None or password is None:
        raise SettingsError(f"set {', '.join(NEEDED)}: the sink sends transactions of this account")
    if node_url is None:
        raise SettingsError("set ASTRA_STARKNET_NODE_URL: the sink uses this node")
    contracts = contracts_in(settings)
    signer = KeystoreSigner.open(keystore, password.get_secret_value())
    log_url(settings)  # raise before anything starts
    listener = listen(settings.sink_host, settings.sink_port, "ASTRA_SINK_PORT")
    parts = _Parts(contracts, Node(node_url.get_secret_value()), signer)
    with tracing(settings, "sink") as spans:
        asyncio.run(_run(settings, parts, listener, spans))


def contracts_in(settings: Settings) -> Contracts:
    """Return the contracts of the settings.

    Raises:
        SettingsError: they do not name exactly one of each.
    """
    named = contracts_of(settings.indexer_contracts)
    found = [[each.address for each in named if each.class_name == name] for name in CLASSES]
    if any(len(addresses) != 1 for addresses in found):
        raise SettingsError(f"set ASTRA_INDEXER_CONTRACTS to one each of {', '.join(CLASSES)}, among others")
    return Contracts(settings.starknet_chain_id, *(addresses[0] for addresses in found))


def _sink_of(settings: Settings, parts: _Parts, log: Log, spans: Spans | None) -> Sink:
    specs = event_topics(settings)
    state = TopicSpec(changelog_topic(settings.app_id, TABLE), 1, "compact", retention_ms=settings.tail_ms)
    return Sink(
        store=SinkStore(log, state, facts_spec(settings), parts.contracts),
        reader=EventReader(log, [specs[name] for name in TOPICS]),
        node=parts.node,
        account=Account(parts.node, int(settings.sink_account, 16), settings.starknet_chain_id, parts.signer),
        policy=Policy(
            parts.contracts,
            settings.sink_metadata_url,
            settings.sink_send_again_s,
            settings.sink_gas_price,
            settings.indexer_final_after,
        ),
        now=now,
        spans=spans,
    )


async def _run(settings: Settings, parts: _Parts, listener: socket.socket, spans: Spans | None) -> None:
    log = log_of(settings, transit="sink")
    service = ConnectorService(_sink_of(settings, parts, log, spans), log.check, settings.sink_poll_ms / 1_000)
    metrics = SinkMetrics(service, spans)
    try:
        await run_service(
            settings, log, Kind.SINK, listener, work=service.run, report=lambda: _report(service), metrics=metrics
        )
    finally:
        await log.close()
        await parts.node.close()


def _report(service: ConnectorService[Sink]) -> Report:
    counts = service.connector.counts
    return readiness(
        "sending",
        service.why_not,
        open_mints=counts.open_mints,
        without_wallet=counts.without_wallet,
        open_calls=counts.open_calls,
    )
