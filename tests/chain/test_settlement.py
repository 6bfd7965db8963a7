"""Settlement on a real node: each fee arrives at the beneficiaries once, to the unit, whatever happens."""

from __future__ import annotations

import dataclasses
import os
import random
from collections.abc import Awaitable, Callable, Iterator

import pytest
from faust_redis.log import Log
from msgspec.structs import replace

from contracts.account.account import RevertsError
from contracts.indexer.errors import NodeError
from contracts.indexer.indexer import Indexer
from contracts.settlement.batches import State
from contracts.settlement.errors import ForeignBatchError, SettlementError, UnreconciledError
from contracts.settlement.settlement import Settlement
from streams.topics import CHAIN_EVENTS
from tests.chain.conftest import GATE
from tests.chain.fees import PAYMASTER, SHARES, STAKING, TREASURY, Fees, change, shares
from tests.chain.hashing_node import HashingNode
from tests.chain.indexing import CHAIN_ID, NOW, catch_up, indexer_of
from tests.chain.settling import DAY, Ledger, settlement_of
from tests.tracing.test_batch_spans import Recorded

Break = Callable[[Fees, Ledger, Settlement], Awaitable[None]]

STEPS_MAX = 200
SEEDS = range(50 if os.environ.get(GATE) else 1)
DAYS = 6 if os.environ.get(GATE) else 2


@pytest.fixture
def node(fees: Fees) -> Iterator[HashingNode]:
    with HashingNode(fees.chain.node.url).served() as node:
        yield node


async def settle_all(settlement: Settlement, indexer: Indexer) -> None:
    """Do all there is to do, in the log and on the chain."""
    for _ in range(STEPS_MAX):
        await catch_up(indexer)
        if not await settlement.step() and not await indexer.step() and not await settlement.step():
            return
    raise AssertionError("settlement does not come to an end")


async def test_fees_arrive_at_the_beneficiaries(fees: Fees, node: HashingNode, log: Log) -> None:
    ledger = Ledger(log)
    async with settlement_of(fees, log, node.url) as settlement, indexer_of(fees, log, node.url) as indexer:
        await ledger.accrue("trading", 123_456_789)
        await ledger.accrue("nft_marketplace", 50)
        await ledger.accrue("trading", 111, DAY + 1)
        await settle_all(settlement, indexer)
        assert fees.collector.call("total_settled") == 1_234_567
        assert settlement.counts.confirmed == 0, "the block is not on L1"
        assert fees.collector.call("total_swept") == 0
        with node.on_l1(fees.chain.node.height()):
            await settle_all(settlement, indexer)
        assert settlement.counts.confirmed == 1
        assert fees.collector.call("total_swept") == 1_234_567
        paid = {name: fees.balance(name) for name in (TREASURY, PAYMASTER, STAKING)}
        assert sum(paid.values()) == 1_234_567
        assert paid[STAKING] == 185_185
        assert (settlement.counts.batches_sent, settlement.counts.sweeps_sent) == (1, 1)
        assert settlement.counts.audits > 0


async def test_one_settlement_sweeps_again_and_again(fees: Fees, node: HashingNode, log: Log) -> None:
    ledger = Ledger(log)
    async with settlement_of(fees, log, node.url) as settlement, indexer_of(fees, log, node.url) as indexer:
        for day in range(3):
            await ledger.accrue("trading", 1_000, DAY + day)
            await settle_all(settlement, indexer)
            with node.on_l1(fees.chain.node.height()):
                await settle_all(settlement, indexer)
            assert fees.splitter.call("total_released") == 10 * day, "the fees of the days before"
        assert settlement.counts.sweeps_sent == 2


@pytest.mark.heavy
async def test_the_spans_of_a_batch_are_one_tree_over_settlement_and_indexer(
    fees: Fees, node: HashingNode, log: Log
) -> None:
    ledger, spans = Ledger(log), Recorded()
    async with (
        settlement_of(fees, log, node.url, spans=spans) as settlement,
        indexer_of(fees, log, node.url, spans) as indexer,
    ):
        await ledger.accrue("trading", 1_000)
        await ledger.accrue("trading", 1, DAY + 1)
        await settle_all(settlement, indexer)
        with node.on_l1(fees.chain.node.height()):
            await settle_all(settlement, indexer)
    [closed] = [span for span in spans.spans if span.name == "close batch"]
    below = [span.name for span in spans.spans if span.parent_id == closed.ref.span_id]
    sent = f"send {CHAIN_EVENTS}"
    assert below == ["settle batch", sent, sent, "confirm batch"], "the fact is accepted, then final"
    assert {span.ref.trace_id for span in spans.spans if span.name in {*below}} >= {closed.ref.trace_id}
    assert not [span for span in spans.spans if span.error]


@pytest.mark.heavy
async def test_a_replaced_batch_is_sent_again(fees: Fees, node: HashingNode, log: Log) -> None:
    ledger = Ledger(log)
    async with settlement_of(fees, log, node.url) as settlement, indexer_of(fees, log, node.url) as indexer:
        await ledger.accrue("trading", 1_000)
        await ledger.accrue("trading", 2_000, DAY + 1)
        await ledger.accrue("trading", 3_000, DAY + 2)
        height = fees.chain.node.height()
        await settle_all(settlement, indexer)
        first = fees.collector.call("last_batch")
        with node.changing(height):
            fees.chain.node.abort_to(height)
            for _ in range(4):
                fees.chain.node.ask("devnet_createBlock")
        assert fees.collector.call("last_batch")[0] == 0
        await settle_all(settlement, indexer)
        assert fees.collector.call("last_batch") == first, "the same batches, by their hash"
        assert fees.collector.call("total_settled") == 30


@pytest.mark.heavy
async def test_a_settlement_that_is_killed_before_it_sends_sends_after(
    fees: Fees, node: HashingNode, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(log)
    async with settlement_of(fees, log, node.url) as settlement, indexer_of(fees, log, node.url) as indexer:
        await ledger.accrue("trading", 1_000)
        await ledger.accrue("trading", 2_000, DAY + 1)

        async def killed(*_: object) -> None:
            raise NodeError("killed")

        with monkeypatch.context() as patch:
            patch.setattr(type(settlement._account), "send", killed)
            with pytest.raises(NodeError, match="killed"):
                await settle_all(settlement, indexer)
        assert (await settlement.open()).batches[0].tx_hash, "it was noted first"
    async with settlement_of(fees, log, node.url) as settlement, indexer_of(fees, log, node.url) as indexer:
        ledger.accrued["trading"] += 1
        await ledger.accrue("trading", 1, DAY + 1)
        with pytest.raises(UnreconciledError, match="trading is 3001, expected 3002"):
            await settle_all(settlement, indexer)  # what was noted is not sent over a difference
        ledger.accrued["trading"] -= 1
        await ledger.accrue("trading", 1, DAY + 1)
        await settle_all(settlement, indexer)
        assert fees.collector.call("total_settled") == 10


async def test_a_batch_that_would_revert_is_not_sent(fees: Fees, node: HashingNode, log: Log) -> None:
    ledger = Ledger(log)
    fees.collector.invoke("pause", by=fees.pauser)
    async with settlement_of(fees, log, node.url) as settlement, indexer_of(fees, log, node.url) as indexer:
        await ledger.accrue("trading", 1_000)
        await ledger.accrue("trading", 2_000, DAY + 1)
        with pytest.raises(RevertsError, match="paused"):
            await settle_all(settlement, indexer)
        fees.collector.invoke("unpause")
        await settle_all(settlement, indexer)
        assert fees.collector.call("total_settled") == 10


async def test_a_node_of_another_chain_stops_settlement(fees: Fees, node: HashingNode, log: Log) -> None:
    async with settlement_of(fees, log, node.url) as settlement:
        settlement._policy = dataclasses.replace(settlement._policy, chain_id="SN_MAIN")
        with pytest.raises(SettlementError, match=f"the node is of the chain {CHAIN_ID}"):
            await settlement.step()


async def test_a_batch_of_another_settler_stops_settlement(fees: Fees, node: HashingNode, log: Log) -> None:
    ledger = Ledger(log)
    fees.settle({"trading": 10})
    async with settlement_of(fees, log, node.url) as settlement, indexer_of(fees, log, node.url) as indexer:
        await ledger.accrue("trading", 1_000)
        await ledger.accrue("trading", 2_000, DAY + 1)
        with pytest.raises(ForeignBatchError):
            await settle_all(settlement, indexer)
    assert fees.collector.call("last_batch")[0] == 1


async def _ledger_source(_: Fees, ledger: Ledger, __: Settlement) -> None:
    ledger.accrued["trading"] += 1


async def _ledger_beneficiary(_: Fees, ledger: Ledger, __: Settlement) -> None:
    ledger.shared["trading"] -= 1


async def _log_fees(_: Fees, __: Ledger, settlement: Settlement) -> None:
    state = await settlement._store.load()
    await settlement._store.write(state, replace(state, open={"trading": 1}), NOW)
    settlement._state = None


async def _log_facts(_: Fees, __: Ledger, settlement: Settlement) -> None:
    state = await settlement._store.load()
    [(splitter, swept)] = state.swept.items()
    await settlement._store.write(state, replace(state, swept={splitter: swept - 1}), NOW)
    settlement._state = None


async def _collector(fees: Fees, _: Ledger, __: Settlement) -> None:
    fees.usd.invoke("take", fees.collector.address, 1)


async def _splitter(fees: Fees, _: Ledger, __: Settlement) -> None:
    fees.usd.invoke("take", fees.splitter.address, 1)


@pytest.mark.heavy
async def test_settlement_goes_on_with_another_splitter(fees: Fees, node: HashingNode, log: Log) -> None:
    ledger, chain = Ledger(log), fees.chain
    async with settlement_of(fees, log, node.url) as settlement, indexer_of(fees, log, node.url) as indexer:
        await ledger.accrue("trading", 1_000)
        await ledger.accrue("trading", 2_000, DAY + 1)
        await settle_all(settlement, indexer)
        with node.on_l1(chain.node.height()):
            await settle_all(settlement, indexer)
        assert fees.collector.call("total_swept") == 10
        second = chain.deploy("FeeSplitter", fees.owner.address, fees.pauser.address, fees.usd.address, shares(*SHARES))
        change(chain, fees.collector, "set_splitter", second.address)
        await settle_all(settlement, indexer)  # nothing stops before the settings name the new one
    changed = dataclasses.replace(fees, splitter=second)
    async with settlement_of(changed, log, node.url) as settlement:
        await settlement.open()
        assert not await settlement._agrees(settlement._state or State()), "the indexer has not read the new one yet"
        async with indexer_of(changed, log, node.url) as indexer:
            await ledger.accrue("trading", 1, DAY + 2)
            await settle_all(settlement, indexer)
            with node.on_l1(chain.node.height()):
                await settle_all(settlement, indexer)
            assert await settlement._agrees(settlement._state or State())
    assert (second.call("total_received"), fees.splitter.call("total_received")) == (20, 10)
    assert second.call("total_released") + fees.balance(second.address) == 20


BREAKS: dict[str, tuple[Break, str]] = {
    "ledger": (_ledger_source, "held .*: trading is 3010, expected 3011"),
    "ledger's beneficiaries": (_ledger_beneficiary, "the ledger is 3009, expected 3010"),
    "fees in the log": (_log_fees, "trading is .*, expected"),
    "facts in the log": (_log_facts, "facts = contracts: swept is 9, expected 10"),
    "collector": (_collector, "the collector's balance is 0, expected 1"),
    "splitter": (_splitter, "received >= swept . surplus: total_received is 9, expected 10"),
}

IN_CI = ("fees in the log",)


@pytest.mark.parametrize(
    "place", [pytest.param(place, marks=[] if place in IN_CI else [pytest.mark.heavy]) for place in BREAKS]
)
async def test_a_unit_that_is_missing_anywhere_stops_settlement(
    fees: Fees, node: HashingNode, log: Log, place: str
) -> None:
    broken, said = BREAKS[place]
    ledger = Ledger(log)
    fees.usd.invoke("set_refusal", TREASURY, 1)  # so that the splitter holds something
    async with settlement_of(fees, log, node.url) as settlement, indexer_of(fees, log, node.url) as indexer:
        await ledger.accrue("trading", 1_000)
        await ledger.accrue("trading", 10, DAY + 1)
        await settle_all(settlement, indexer)
        with node.on_l1(fees.chain.node.height()):
            await settle_all(settlement, indexer)
        assert fees.collector.call("total_swept") == 10
        if place == "collector":
            await ledger.accrue("trading", 100, DAY + 1)
            await ledger.accrue("trading", 1, DAY + 2)
            await settle_all(settlement, indexer)  # held by the collector: the block is not on L1
        await broken(fees, ledger, settlement)
        await ledger.accrue("trading", 2_000, DAY + 3)
        batches = fees.collector.call("last_batch")[0]
        with pytest.raises(UnreconciledError, match=said):
            await settle_all(settlement, indexer)
    assert fees.collector.call("last_batch")[0] == batches, "nothing more was sent"


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.heavy
async def test_a_batch_survives_kills_and_reorganisations(fees: Fees, node: HashingNode, log: Log, seed: int) -> None:
    chance, ledger = random.Random(seed), Ledger(log)
    base, final = fees.chain.node.height(), fees.chain.node.height()
    for day in range(DAY, DAY + DAYS):
        for _ in range(chance.randint(1, 4)):
            await ledger.accrue(chance.choice(["trading", "nft"]), chance.randint(1, 900), day)
        async with (
            settlement_of(fees, log, node.url) as settlement,
            settlement_of(fees, log, node.url) as other,
            indexer_of(fees, log, node.url) as indexer,
        ):
            for _ in range(chance.randint(1, 15)):
                await chance.choice([settlement.step, other.step, indexer.step])()
            if chance.random() < 0.5 and fees.chain.node.height() > final:
                height = chance.randint(final, fees.chain.node.height() - 1)
                with node.changing(height):
                    fees.chain.node.abort_to(height)
                    for _ in range(12):
                        fees.chain.node.ask("devnet_createBlock")
            if chance.random() < 0.3:
                await catch_up(indexer)
                final = indexer.counts.cursor
                with node.on_l1(final):
                    await catch_up(indexer)
    assert final >= base
    await ledger.accrue("trading", 100, DAY + 9)
    await ledger.accrue("trading", 100, DAY + 10)
    async with settlement_of(fees, log, node.url) as settlement, indexer_of(fees, log, node.url) as indexer:
        for _ in range(4):
            with node.on_l1(fees.chain.node.height()):
                await settle_all(settlement, indexer)
        state = await settlement.open()
        assert not state.batches, "all are confirmed"
        accrued, settled = sum(ledger.accrued.values()), fees.collector.call("total_settled")
        assert accrued - 100 * settled == sum(state.open.values())
        assert (
            fees.collector.call("total_swept")
            == settled
            == fees.splitter.call("total_released") + fees.balance(fees.splitter.address)
        )
