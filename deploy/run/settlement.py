"""The settlement process: settle the log's fees on a chain, serve probes and metrics, and stop at a signal."""

from __future__ import annotations

import asyncio
import socket
from typing import Final

from api.kit.clock import now
from contracts.account.account import Account
from contracts.account.signer import KeystoreSigner
from contracts.connector import ConnectorService
from contracts.indexer.node import Node
from contracts.settlement.settlement import Policy, Settlement
from deploy.broker import log_of, log_url
from deploy.errors import SettingsError
from deploy.fee_settlement import Parts, parts_of
from deploy.run.settlement_metrics import SettlementMetrics
from deploy.run.single_service import Report, readiness, run_service
from deploy.run.tracing import tracing
from deploy.run.worker_server import listen
from deploy.settings import Settings
from streams.services import Kind
from streams.spans import Spans

NEEDED: Final = ("ASTRA_SETTLEMENT_ACCOUNT", "ASTRA_SETTLEMENT_KEYSTORE", "ASTRA_SETTLEMENT_PASSWORD")


def run_settlement(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT.

    Raises:
        SettlementError: ledger, log and contracts differ, or do not belong together.
        SignerError: the keystore cannot be opened.
        BrokerError: no server is configured, and none runs on the data directory.
        SettingsError: a setting is missing, or the port of probes and metrics is in use.
    """
    signer = open_signer(settings)
    log_url(settings)  # raise before anything starts
    listener = listen(settings.settlement_host, settings.settlement_port, "ASTRA_SETTLEMENT_PORT")
    with tracing(settings, "settlement") as spans:
        asyncio.run(_run(settings, signer, listener, spans))


def open_signer(settings: Settings) -> KeystoreSigner:
    """Return the signer of the settings.

    Raises:
        SettingsError: a setting is missing.
        SignerError: the keystore cannot be opened.
    """
    keystore, password = settings.settlement_keystore, settings.settlement_password
    if not settings.settlement_account or keystore is None or password is None:
        raise SettingsError(f"set {', '.join(NEEDED)}: settlement sends transactions of this account")
    return KeystoreSigner.open(keystore, password.get_secret_value())


async def _run(settings: Settings, signer: KeystoreSigner, listener: socket.socket, spans: Spans | None) -> None:
    log = log_of(settings, transit="settlement")
    parts = parts_of(settings, log)
    settlement = settlement_of(settings, parts, signer, spans)
    service = ConnectorService(settlement, log.check, settings.settlement_poll_ms / 1_000)
    metrics = SettlementMetrics(service, spans)
    try:
        await run_service(
            settings, log, Kind.SETTLEMENT, listener, work=service.run, report=lambda: _report(service), metrics=metrics
        )
    finally:
        await log.close()
        await parts.contracts.node.close()


def settlement_of(settings: Settings, parts: Parts, signer: KeystoreSigner, spans: Spans | None) -> Settlement:
    """Return the settlement of the settings."""
    node: Node = parts.contracts.node
    return Settlement(
        store=parts.store,
        reader=parts.reader,
        contracts=parts.contracts,
        account=Account(node, int(settings.settlement_account, 16), settings.starknet_chain_id, signer),
        auditor=parts.auditor,
        policy=Policy(
            settings.starknet_chain_id,
            settings.settlement_units,
            settings.settlement_audit_s,
            settings.settlement_send_again_s,
        ),
        now=now,
        spans=spans,
    )


def _report(service: ConnectorService[Settlement]) -> Report:
    counts = service.connector.counts
    return readiness(
        "settling",
        service.why_not,
        closed_batch=counts.closed,
        confirmed_batch=counts.confirmed,
        waits_for=counts.waits,
    )
