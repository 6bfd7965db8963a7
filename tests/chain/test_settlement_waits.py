"""Settlement says what it waits for, and goes on by itself once that has come."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from faust_redis.log import Log

from contracts.account.gas_balance import GAS_TOKEN
from contracts.connector import ConnectorService
from contracts.indexer.indexer import Indexer
from contracts.settlement.settlement import Settlement
from contracts.settlement.waits import Wait
from tests.chain.abi import selector
from tests.chain.fees import Fees, change
from tests.chain.hashing_node import HashingNode
from tests.chain.indexing import catch_up, indexer_of
from tests.chain.node import RpcError
from tests.chain.settling import DAY, Ledger, settlement_of
from tests.chain.transactions import Call

WITHIN_S = 60
POLL_S = 0.05


@pytest.fixture
def node(fees: Fees) -> Iterator[HashingNode]:
    with HashingNode(fees.chain.node.url).served() as node:
        yield node


@asynccontextmanager
async def settling(fees: Fees, log: Log, url: str) -> AsyncIterator[Settlement]:
    """Run a settlement of a batch of 10 units, beside an indexer."""
    ledger = Ledger(log)
    await ledger.accrue("trading", 1_000)
    await ledger.accrue("trading", 2_000, DAY + 1)
    async with settlement_of(fees, log, url) as settlement, indexer_of(fees, log, url) as indexer:
        service = ConnectorService(settlement, log.check, POLL_S)
        tasks = [asyncio.create_task(work) for work in (service.run(), _follow(indexer))]
        try:
            yield settlement
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _follow(indexer: Indexer) -> None:
    while True:
        await catch_up(indexer)
        await asyncio.sleep(POLL_S)


async def until(settlement: Settlement, holds: Callable[[], bool]) -> None:
    try:
        async with asyncio.timeout(WITHIN_S):
            while not holds():  # noqa: ASYNC110 - another task settles
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        raise AssertionError(f"settlement waits for {settlement.counts.waits}") from None


async def waits_for(settlement: Settlement, expected: Wait) -> None:
    await until(settlement, lambda: settlement.counts.waits is expected)


async def settles(settlement: Settlement, fees: Fees) -> None:
    """Wait until the batch is settled once."""
    await until(settlement, lambda: fees.collector.call("total_settled") == 10)
    await waits_for(settlement, Wait.NOTHING)
    assert len(fees.collector.events("BatchSettled")) == 1


@pytest.mark.heavy
async def test_a_paused_collector_is_waited_for(fees: Fees, node: HashingNode, log: Log) -> None:
    fees.collector.invoke("pause", by=fees.pauser)
    async with settling(fees, log, node.url) as settlement:
        await waits_for(settlement, Wait.PAUSE)
        fees.collector.invoke("unpause")
        await settles(settlement, fees)


@pytest.mark.heavy
async def test_a_revoked_role_is_waited_for(fees: Fees, node: HashingNode, log: Log) -> None:
    fees.collector.invoke("revoke_role", "SETTLER", fees.settler.address)
    async with settling(fees, log, node.url) as settlement:
        await waits_for(settlement, Wait.ROLE)
        change(fees.chain, fees.collector, "grant_role", "SETTLER", fees.settler.address)
        await settles(settlement, fees)


@pytest.mark.heavy
async def test_too_few_settlement_tokens_are_waited_for(fees: Fees, node: HashingNode, log: Log) -> None:
    everything = fees.balance(fees.settler.address)
    fees.usd.invoke("transfer", fees.stranger.address, everything, by=fees.settler)
    async with settling(fees, log, node.url) as settlement:
        await waits_for(settlement, Wait.TOKENS)
        fees.usd.invoke("transfer", fees.settler.address, everything, by=fees.stranger)
        await settles(settlement, fees)


@pytest.mark.heavy
async def test_too_few_tokens_for_gas_are_waited_for(fees: Fees, node: HashingNode, log: Log) -> None:
    token, settler = int(GAS_TOKEN, 16), fees.settler
    asked = {
        "contract_address": GAS_TOKEN,
        "entry_point_selector": hex(selector("balance_of")),
        "calldata": [hex(settler.address)],
    }
    held = int(fees.chain.node.ask("starknet_call", request=asked, block_id="latest")[0], 16)
    fee = int(settler.execute(Call(token, "transfer", [fees.stranger.address, 1, 0]))["actual_fee"]["amount"], 16)
    settler.execute(Call(token, "transfer", [fees.stranger.address, held - 1 - fee - fee * 11 // 10, 0]))
    async with settling(fees, log, node.url) as settlement:
        await waits_for(settlement, Wait.GAS)
        fees.stranger.execute(Call(token, "transfer", [settler.address, 10**24, 0]))
        await settles(settlement, fees)


async def test_an_absent_node_is_waited_for(fees: Fees, node: HashingNode, log: Log) -> None:
    def away(method: str, _: Any) -> Any:
        raise RpcError(method, {"code": -32603, "message": "Internal error"})

    node.instead = away
    async with settling(fees, log, node.url) as settlement:
        await waits_for(settlement, Wait.NODE)
        node.instead = None
        await settles(settlement, fees)


@pytest.mark.parametrize("ahead", [0, 1])
@pytest.mark.sample(1)
async def test_a_transaction_that_no_block_takes_is_replaced(
    fees: Fees, node: HashingNode, log: Log, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    pending: list[str] = []

    def waiting(method: str, params: dict[str, Any]) -> Any:
        if method.startswith("starknet_getTransaction") and params["transaction_hash"] in pending:
            if method.endswith("Receipt"):
                raise RpcError(method, {"code": 29, "message": "Transaction hash not found"})
            return {"finality_status": "RECEIVED"}
        return None

    async with settling(fees, log, node.url) as settlement:
        account = settlement._account
        prepare, send = account.prepare, account.send

        async def is_lost(signed: Any) -> None:
            if pending:
                await send(signed)
            else:
                pending.append(hex(int(signed.tx_hash, 16)))

        async def with_a_gap(calls: Any, nonce: int) -> Any:
            made = await prepare(calls, nonce)
            return made if pending else made._replace(nonce=nonce + ahead)

        monkeypatch.setattr(account, "send", is_lost)
        monkeypatch.setattr(account, "prepare", with_a_gap)
        node.instead = waiting
        settlement._policy = type(settlement._policy)(settlement._policy.chain_id, 0, 0.0, 0.2)
        await waits_for(settlement, Wait.NONCE if ahead else Wait.TRANSACTION)
        await settles(settlement, fees)
        assert settlement.counts.batches_sent == 2
