"""What must hold once all has settled, read from the node directly and from the log: ledger, batches, facts, tokens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from typing import Final, NamedTuple

from faust_redis.log import Log

from contracts.clients.codec import TEXT, decoded
from contracts.indexer.addresses import contracts_of, padded
from contracts.settlement.batches import State
from contracts.settlement.reconciliation import LedgerFees
from deploy.fee_settlement import accrued_fees, store_of
from deploy.settings import Settings
from streams.events.chain import SIGNS, AchievementMinted, BatchSettled, FeesDistributed, FeesSwept, ReputationRaised
from streams.topics import NAMESPACE
from streams.units import TOKEN_UNIT
from tables.financial import FINANCIAL_CHAIN, ChainTotal, chain_key
from tables.reader import TableReader
from tests.chain.deployed import Chain, Deployed, committed
from tests.chain.fees import batch_hash
from tests.chain.indexing import events_of
from tests.support.aside import run_aside

FACTS: Final = (AchievementMinted, BatchSettled, FeesDistributed, FeesSwept, ReputationRaised)
KINDS: Final = {kind.__name__ for kind in FACTS}
Fact = tuple[str, str, int]
"""The contract, the kind, and the contract's number of an event."""


class Contracts:
    """The contracts of the run, as tests call them: by requests of their own to the node."""

    def __init__(self, chain: Chain, setting: str) -> None:
        self.chain, deployer = chain, chain.accounts[0]
        self.all = {
            each.class_name: Deployed(chain.node, int(each.address, 16), committed(each.class_name), deployer)
            for each in contracts_of(setting)
        }
        self.collector, self.splitter = self.all["FeeCollector"], self.all["FeeSplitter"]
        self.genesis = self.all["GenesisNFT"]
        self.usd = Deployed(chain.node, self.collector.call("token"), committed("TestToken"), deployer)

    def settled(self) -> int:
        """Return the sum of all batches, in the token's units."""
        return sum(event["amount"] for event in self.collector.events("BatchSettled"))

    def beneficiaries(self) -> set[int]:
        """Return all to whom the splitter has paid."""
        return {event["beneficiary"] for event in self.splitter.events("FeesDistributed")}

    def facts(self) -> Counter[Fact]:
        """Return the events of the node's chain that are facts, each once."""
        return Counter(
            (padded(contract.address), event.name, event["sequence"])
            for contract in self.all.values()
            for event in contract.events()
            if event.name in KINDS
        )

    def totals(self) -> dict[str, int]:
        """Return the fold of the node's chain, as the rows of `financial-chain` have it."""
        sums: Counter[str] = Counter()
        collector, splitter = padded(self.collector.address), padded(self.splitter.address)
        for event in self.collector.events():
            if event.name == "BatchSettled":
                for total in event["totals"]:
                    sums[chain_key(collector, "settled", decoded(TEXT, [total["source"]]))] += total["amount"]
            elif event.name == "FeesSwept":
                sums[chain_key(collector, "swept", padded(event["splitter"]))] += event["amount"]
                sums[chain_key(collector, "surplus", padded(event["splitter"]))] += event["surplus"]
        for event in self.splitter.events("FeesDistributed"):
            sums[chain_key(splitter, "distributed", padded(event["beneficiary"]))] += event["amount"]
        return {key: amount for key, amount in sums.items() if amount}


class Left(NamedTuple):
    """What the log has.

    Attributes:
        ledger: The fees of the ledger.
        settlement: The state of settlement.
        totals: The rows of `financial-chain`.
        facts: How often each fact was accepted, less how often it was retracted.
        final: How often each fact became final.
        retracted: How many retractions there are.
    """

    ledger: LedgerFees
    settlement: State
    totals: Mapping[str, ChainTotal]
    facts: Counter[Fact]
    final: Counter[Fact]
    retracted: int


def left(url: str, settings: Mapping[str, str]) -> Left:
    """Read the log."""
    return run_aside(_left(url, settings))


async def _left(url: str, environment: Mapping[str, str]) -> Left:
    settings = Settings(
        starknet_chain_id=environment["ASTRA_STARKNET_CHAIN_ID"],
        indexer_contracts=environment["ASTRA_INDEXER_CONTRACTS"],
    )
    async with Log(url, NAMESPACE) as log:
        tables = TableReader(log, settings.app_id)
        totals = {row.key: ChainTotal.load(row.value) for row in (await tables.rows(FINANCIAL_CHAIN.name)).rows}
        facts: Counter[Fact] = Counter()
        final: Counter[Fact] = Counter()
        retracted = 0
        for event in await events_of(log):
            kind = type(event.data).__name__
            if kind in KINDS:
                fact = event.data.contract, kind, event.data.sequence
                facts[fact] += SIGNS[event.data.finality]
                final[fact] += event.data.finality == "final"
                retracted += event.data.finality == "retracted"
        settlement = await store_of(settings, log).load()
        return Left(await accrued_fees(tables), settlement, totals, facts, final, retracted)


def differences(found: Left, contracts: Contracts, fees: int, wallets: Collection[int]) -> Iterator[str]:
    """Yield what does not hold of the reported fees, in 1e-8 USD, and of the wallets of all users."""
    yield from fees_differ(found, contracts, fees)
    yield from batches_differ(found, contracts)
    yield from facts_differ(found, contracts)
    yield from tokens_differ(contracts, wallets)


def fees_differ(found: Left, contracts: Contracts, fees: int) -> Iterator[str]:
    """Yield where reported fees, the ledger, batches and payments differ."""
    settled = contracts.settled()
    held = sum(found.settlement.open.values())
    yield from differ("reported and accrued fees", {"trading": fees}, dict(found.ledger.by_source))
    yield from differ("accrued fees, and batches with what is held", fees, TOKEN_UNIT * settled + held)
    yield from differ("total_settled", settled, contracts.collector.call("total_settled"))
    yield from differ("total_swept", settled, contracts.collector.call("total_swept"))
    yield from differ("total_released", settled, contracts.splitter.call("total_released"))
    paid = sum(contracts.usd.call("balance_of", address) for address in contracts.beneficiaries())
    yield from differ("the beneficiaries' tokens", settled, paid)


def batches_differ(found: Left, contracts: Contracts) -> Iterator[str]:
    """Yield where the chain's batches are not all, once, each linked by hash to the one before."""
    previous = 0
    batches = contracts.collector.events("BatchSettled")
    yield from differ("the numbers of batches", [*range(1, len(batches) + 1)], [each["batch"] for each in batches])
    for each in batches:
        linked = batch_hash(each["batch"], previous, each["details"], each["totals"])
        yield from differ(
            f"the hash of batch {each['batch']}", (previous, linked), (each["previous_hash"], each["hash"])
        )
        previous = each["hash"]
    number, last_hash = found.settlement.last
    yield from differ("the last batch", (len(batches), previous), (number, int(last_hash, 16)))
    yield from differ("the last confirmed batch", found.settlement.last, found.settlement.confirmed)


def facts_differ(found: Left, contracts: Contracts) -> Iterator[str]:
    """Yield where the facts of the log, and their totals, are not those of the node's chain, all of them final."""
    canonical, totals = contracts.facts(), contracts.totals()
    yield from differ("accepted facts", canonical, +found.facts)
    yield from differ("facts retracted too often", Counter(), -found.facts)
    yield from differ("final facts", canonical, +found.final)
    yield from differ(
        "accepted totals", totals, {key: row.accepted for key, row in found.totals.items() if row.accepted}
    )
    yield from differ("final totals", totals, {key: row.final for key, row in found.totals.items() if row.final})


def tokens_differ(contracts: Contracts, wallets: Collection[int]) -> Iterator[str]:
    """Yield where not each wallet has one token."""
    owners = [
        contracts.genesis.call("owner_of", number + 1) for number in range(contracts.genesis.call("total_supply"))
    ]
    yield from differ("the owners of tokens", sorted(wallets), sorted(owners))


def differ(what: str, expected: object, found: object) -> Iterator[str]:
    if expected != found:
        yield f"{what}: {found} instead of {expected}"
