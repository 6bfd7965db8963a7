"""Puts together what settlement and the audit of the chain read: log, ledger, node and contracts."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Final, NamedTuple

from faust_redis.log import Log, TopicSpec, UnknownTopicError

from contracts.indexer.addresses import contracts_of
from contracts.indexer.errors import NodeError
from contracts.indexer.node import Node
from contracts.indexer.store import StateStore
from contracts.settlement.audit import Audited, Auditor, UnsettledMomentError
from contracts.settlement.fee_contracts import FeeContracts
from contracts.settlement.reader import ASSET, LogReader
from contracts.settlement.reconciliation import LedgerFees
from contracts.settlement.store import SettlementStore
from deploy.declared_topics import event_topics
from deploy.errors import DeployError, SettingsError
from deploy.run.indexer import facts_spec, state_spec
from deploy.settings import Settings
from streams import topics
from streams.topology import changelog_topic
from tables.financial import ALL_DAYS, FINANCIAL_FEES, TOTAL, FeeTotal
from tables.keys import SEPARATOR
from tables.reader import TableReader

TABLE: Final = "settlement"
TRIES: Final = 20
TRY_AGAIN_S: Final = 0.25


class Parts(NamedTuple):
    """What settlement reads and keeps."""

    store: SettlementStore
    reader: LogReader
    contracts: FeeContracts
    auditor: Auditor


def parts_of(settings: Settings, log: Log) -> Parts:
    """Return the parts of an installation.

    Raises:
        SettingsError: no node is configured, or not exactly one collector and one splitter.
    """
    collector, splitter = fee_addresses(settings)
    node_url = settings.starknet_node_url
    if node_url is None:
        raise SettingsError("set ASTRA_STARKNET_NODE_URL: settlement uses this node")
    chain_id = settings.starknet_chain_id
    fees = event_topics(settings)[topics.FINANCIAL_FEES]
    facts = facts_spec(settings)
    contracts = FeeContracts(Node(node_url.get_secret_value()), collector, splitter)
    reader = LogReader(log, fees, facts, (collector, splitter))
    indexer = StateStore(log, chain_id, facts, state_spec(settings))
    tables = TableReader(log, settings.app_id)

    async def accrued() -> LedgerFees:
        return await accrued_fees(tables)

    auditor = Auditor(reader, contracts, indexer, accrued)
    return Parts(store_of(settings, log), reader, contracts, auditor)


def store_of(settings: Settings, log: Log) -> SettlementStore:
    """Return settlement's state of an installation.

    Raises:
        SettingsError: the settings do not name exactly one collector and one splitter.
    """
    collector, _ = fee_addresses(settings)
    topic = TopicSpec(changelog_topic(settings.app_id, TABLE), 1, "compact", retention_ms=settings.tail_ms)
    return SettlementStore(log, topic, settings.starknet_chain_id, collector)


async def audit_chain(settings: Settings, log: Log) -> Audited:
    """Audit an installation whose settlement may be running.

    Raises:
        DeployError: log or chain changed all the time, settlement or the indexer is behind, or the node gave no answer.
        SettlementError: the contracts do not belong together.
    """
    parts = parts_of(settings, log)
    node = parts.contracts.node
    try:
        await parts.contracts.check((await node.head()).ref)
        for _ in range(TRIES):
            try:
                return await parts.auditor.audit(await parts.store.load())
            except UnsettledMomentError as exc:
                reason = str(exc)
            await asyncio.sleep(TRY_AGAIN_S)
        raise DeployError(f"no audit was possible: {reason}; do settlement and the indexer run?")
    except NodeError as exc:
        raise DeployError(f"no audit was possible: {exc}") from exc
    finally:
        await node.close()


def fee_addresses(settings: Settings) -> tuple[str, str]:
    """Return the addresses of the collector and of the splitter.

    Raises:
        SettingsError: the settings do not name exactly one of each.
    """
    named: defaultdict[str, list[str]] = defaultdict(list)
    for contract in contracts_of(settings.indexer_contracts):
        named[contract.class_name].append(contract.address)
    if len(named["FeeCollector"]) != 1 or len(named["FeeSplitter"]) != 1:
        raise SettingsError("set ASTRA_INDEXER_CONTRACTS to one FeeCollector:0x… and one FeeSplitter:0x…")
    return named["FeeCollector"][0], named["FeeSplitter"][0]


async def accrued_fees(tables: TableReader) -> LedgerFees:
    """Return all fees of the ledger at one moment."""
    try:
        found = (await tables.rows_of([FINANCIAL_FEES.name]))[FINANCIAL_FEES.name]
    except UnknownTopicError:
        return LedgerFees()
    by_source: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    by_beneficiary: defaultdict[str, int] = defaultdict(int)
    for row in found.rows:
        source, asset, day, beneficiary = row.key.split(SEPARATOR)
        if day != ALL_DAYS:
            continue
        amount = FeeTotal.load(row.value).amount
        if beneficiary == TOTAL:
            by_source[asset][source] += amount
        elif asset == ASSET:
            by_beneficiary[beneficiary] += amount
    settled = by_source[ASSET]
    return LedgerFees(settled, by_beneficiary, {asset: fees for asset, fees in by_source.items() if asset != ASSET})
