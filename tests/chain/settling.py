"""Fees in a log, and settlements of them on the node of the tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from faust_redis.log import Log, Record, TopicSpec, WriteBatch
from faust_redis.log.partitioner import partition_for
from faust_redis.log.records import Rows
from starknet_py.net.signer.key_pair import KeyPair

from contracts.account.account import Account
from contracts.account.signer import KeystoreSigner
from contracts.indexer.addresses import padded
from contracts.indexer.node import Node
from contracts.indexer.store import StateStore
from contracts.settlement.audit import Auditor
from contracts.settlement.fee_contracts import FeeContracts
from contracts.settlement.reader import LogReader
from contracts.settlement.reconciliation import LedgerFees
from contracts.settlement.settlement import Policy, Settlement
from contracts.settlement.store import SettlementStore
from deploy.fee_settlement import accrued_fees
from streams.events import Event, encode
from streams.events.financial import FeeAccrued
from streams.ids import derived_id
from streams.spans import Spans
from streams.times import DAY_US, Instant
from streams.topics import FINANCIAL_FEES
from streams.topology import changelog_topic
from streams.units import Usd
from tables.financial import FINANCIAL_FEES as FINANCIAL_FEES_TABLE
from tables.financial import TOTAL, FeeTotal, fee_key
from tables.reader import TableReader
from tests.chain.fees import Fees
from tests.chain.indexing import CHAIN_ID, FACTS, NOW, STATE, contracts
from tests.settlement.test_service import PASSWORD, keystore_of

APP_ID = "astratrade"
FEES = TopicSpec(FINANCIAL_FEES, 4)
TOTALS = TopicSpec(changelog_topic(APP_ID, FINANCIAL_FEES_TABLE.name), 4, "compact")
SETTLEMENT = TopicSpec("test-settlement-changelog", 1, "compact")
DAY = 20_000


class Ledger:
    """Accrues fees as the financial domain does: an event, and the total of its source, in one write."""

    def __init__(self, log: Log, accrued: Mapping[str, int] | None = None) -> None:
        """Create a ledger; in a log that has fees, `accrued` says how many, in 1e-8 USD."""
        self._log = log
        self._number = 100 * len(accrued or ())
        self.accrued: Counter[str] = Counter(accrued)
        self.shared: Counter[str] = Counter(accrued)
        """What the table says is accrued, and of that for the beneficiaries. Change it to break the ledger."""

    async def accrue(self, source: str, amount: int, day: int = DAY) -> None:
        """Accrue a fee, in 1e-8 USD."""
        self._number += 1
        time = Instant(day * DAY_US + self._number)
        beneficiaries = {"treasury": Usd(amount)}
        fee = FeeAccrued(
            source=source, asset="USD", amount=Usd(amount), beneficiaries=beneficiaries, source_event_id="x"
        )
        key = f"user-{self._number % 5}"
        event_id = derived_id(time // 1_000, key, str(self._number))
        event = Event.first(fee, event_id=event_id, time=time, key=key, rules_version=None)
        place = partition_for(key.encode(), FEES.partitions)
        record = Record(FEES.name, place, key.encode(), encode(event), time // 1_000)
        self.accrued[source] += amount
        self.shared[source] += amount
        rows = [
            (fee_key(source, "USD", None, name).encode(), FeeTotal(amount=sum_, count=self._number).dump())
            for name, sum_ in ((TOTAL, self.accrued[source]), ("treasury", self.shared[source]))
        ]
        await self._log.create_topic(FEES)
        await self._log.create_topic(TOTALS)
        await self._log.commit(WriteBatch([record], rows=[Rows(TOTALS.name, 0, rows, time // 1_000)]))


def settings_of(fees: Fees, url: str, log: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the settings of an indexer and of a settlement, as environment variables."""
    (folder / "password").write_text(PASSWORD)
    return {
        "ASTRA_BROKER_URL": log["url"], "ASTRA_NAMESPACE": log["namespace"], "ASTRA_DATA_DIR": str(folder),
        "ASTRA_STARKNET_NODE_URL": url, "ASTRA_STARKNET_CHAIN_ID": CHAIN_ID,
        "ASTRA_INDEXER_CONTRACTS": ",".join(f"{name}:{address}" for name, address in contracts(fees)),
        "ASTRA_INDEXER_POLL_MS": "50", "ASTRA_SETTLEMENT_POLL_MS": "50", "ASTRA_SETTLEMENT_SEND_AGAIN_S": "1",
        "ASTRA_SETTLEMENT_ACCOUNT": hex(fees.settler.address),
        "ASTRA_SETTLEMENT_PASSWORD_FILE": str(folder / "password"),
        "ASTRA_SETTLEMENT_KEYSTORE": str(keystore_of(folder, fees.settler.signer.private_key)),
    }  # fmt: skip


def signer_of(fees: Fees) -> KeystoreSigner:
    return KeystoreSigner(KeyPair.from_private_key(fees.settler.signer.private_key))


@asynccontextmanager
async def settlement_of(
    fees: Fees, log: Log, url: str, *, amount_max: int = 0, spans: Spans | None = None
) -> AsyncIterator[Settlement]:
    """Return a settlement that sends again at once what the node does not know."""
    node = Node(url)
    collector, splitter = padded(fees.collector.address), padded(fees.splitter.address)
    contracts = FeeContracts(node, collector, splitter)
    reader = LogReader(log, FEES, FACTS, (collector, splitter))
    tables = TableReader(log, APP_ID)

    async def accrued() -> LedgerFees:
        return await accrued_fees(tables)

    try:
        yield Settlement(
            store=SettlementStore(log, SETTLEMENT, CHAIN_ID, collector),
            reader=reader,
            contracts=contracts,
            account=Account(node, fees.settler.address, CHAIN_ID, signer_of(fees)),
            auditor=Auditor(reader, contracts, StateStore(log, CHAIN_ID, FACTS, STATE), accrued),
            policy=Policy(CHAIN_ID, amount_max, audit_every_s=0, send_again_s=0),
            now=lambda: NOW,
            spans=spans,
        )
    finally:
        await node.close()
