"""Users' own calls on a real node: within allowance, window and nonce, each once, signed for this sponsor alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from faust_redis.log import Log
from msgspec.structs import replace
from starknet_py.constants import OutsideExecutionInterfaceID
from starknet_py.hash.outside_execution import outside_execution_to_typed_data
from starknet_py.net.client_models import Call, OutsideExecution

from contracts.account.account import RevertsError
from contracts.indexer.addresses import padded
from streams.events.chain import SponsoredCallReported
from streams.events.user import ContractCall, SponsorCall
from tests.chain.abi import selector
from tests.chain.deployed import Chain
from tests.chain.fees import Fees
from tests.chain.hashing_node import HashingNode
from tests.chain.indexing import events_of
from tests.chain.sinking import GAS_PRICE, Rewards, data_of, killed_when_it_sends, rewards_indexer_of, sink_of, tell
from tests.chain.test_sink import carry_all
from tests.chain.transactions import Account
from tests.sink.facts import gained, linked, risen, said

LATER = 2**40
FRIEND = 0xF12E


@pytest.fixture
def rewards(chain: Chain, fees: Fees) -> Rewards:
    made = Rewards.deploy(chain, fees)
    made.sponsoring.fund(10_000_000)
    return made


@pytest.fixture
def node(rewards: Rewards, chain: Chain) -> Iterator[HashingNode]:
    with HashingNode(chain.node.url).served() as node:
        yield node


@pytest.fixture
def user(chain: Chain, rewards: Rewards) -> Account:
    """Return the account of a user, which has tokens and no need of gas."""
    account = chain.accounts[6]
    rewards.sponsoring.fees.usd.invoke("mint", account.address, 1_000)
    return account


def signed(user: Account, rewards: Rewards, call_id: str, *, times: int = 1, **changes: Any) -> SponsorCall:
    """Return a command to send 10 tokens to a friend, some times, signed as a wallet does."""
    felts = tuple(padded(felt) for felt in (FRIEND, 10, 0))
    one = ContractCall(
        to=padded(rewards.sponsoring.fees.usd.address), selector=padded(selector("transfer")), calldata=felts
    )
    meant: dict[str, Any] = {
        "nonce": padded(7),
        "execute_after": 0,
        "execute_before": LATER,
        "calls": (one,) * times,
    } | changes
    caller = meant.pop("caller", rewards.account.address)
    window = meant["execute_after"], meant["execute_before"]
    execution = OutsideExecution(
        caller,
        int(meant["nonce"], 16),
        *window,
        [_of_library(each) for each in meant["calls"]],
    )
    data = outside_execution_to_typed_data(execution, OutsideExecutionInterfaceID.V2, user.chain_id)
    for each in data.message["Calls"]:
        each["Selector"] = hex(each["Selector"])  # the library hashes text alone
    signature = user.signature(data.message_hash(user.address))
    return SponsorCall(
        call_id=call_id, account=padded(user.address), signature=tuple(padded(felt) for felt in signature), **meant
    )


def _of_library(call: ContractCall) -> Call:
    return Call(int(call.to, 16), int(call.selector, 16), [int(felt, 16) for felt in call.calldata])


async def ask(log: Log, *commands: SponsorCall, by: str = "ann") -> None:
    await tell(log, *(said(command, by) for command in commands))


async def become_known(log: Log, address: int, name: str = "ann") -> None:
    await tell(log, linked(name, padded(address)), gained(name, 100), risen(name, 2))


async def reports(log: Log) -> dict[str, tuple[str, str]]:
    """Return outcome and reason of each call."""
    found = data_of(await events_of(log), SponsoredCallReported)
    assert len(found) == len({each.call_id for each in found}), "each is reported once"
    return {each.call_id: (each.outcome, each.reason) for each in found}


async def test_a_users_call_is_executed_and_counted(
    chain: Chain, rewards: Rewards, node: HashingNode, log: Log, user: Account
) -> None:
    fees, paymaster = rewards.sponsoring.fees, rewards.sponsoring.paymaster
    await become_known(log, user.address)
    async with sink_of(rewards, log, node.url) as sink, rewards_indexer_of(rewards, log, node.url) as indexer:
        nonce = chain.node.ask("starknet_getNonce", block_id="latest", contract_address=hex(user.address))
        await ask(log, signed(user, rewards, "c-1"))
        await carry_all(sink, indexer)
        assert fees.balance(FRIEND) == 10
        assert nonce == chain.node.ask("starknet_getNonce", block_id="latest", contract_address=hex(user.address))
        assert await reports(log) == {}, "the block is not on L1"
        with node.on_l1(chain.node.height()):
            await carry_all(sink, indexer)
        paid = chain.node.ask("devnet_getAccountBalance", address=hex(rewards.account.address), unit="FRI")
        assert sink.gas.tokens == pytest.approx(int(paid["amount"]) / 10**18, rel=0.01)
    [report] = data_of(await events_of(log), SponsoredCallReported)
    assert (report.call_id, report.user_id, report.outcome) == ("c-1", "ann", "executed")
    [event] = paymaster.events("TransactionSponsored")
    used = 100_000 - paymaster.call("gas_left", user.address)
    assert event["gas"] == report.gas == used > 0
    assert paymaster.call("total_spent") == fees.balance(rewards.account.address) == used * GAS_PRICE // 10**6
    receipt = chain.node.ask("starknet_getTransactionReceipt", transaction_hash=hex(int(report.tx_hash, 16)))
    fee, price = (int(each, 16) for each in (receipt["actual_fee"]["amount"], l2_price_of(chain, receipt)))
    assert fee <= 100 * used * price <= fee * 112 // 100, "the whole transaction is counted, with its margin"
    sent = chain.node.ask("starknet_getTransactionByHash", transaction_hash=hex(int(report.tx_hash, 16)))
    assert int(sent["resource_bounds"]["l2_gas"]["max_amount"], 16) <= 100 * used, "it could not cost more"


def l2_price_of(chain: Chain, receipt: dict[str, Any]) -> str:
    block = chain.node.ask("starknet_getBlockWithTxHashes", block_id={"block_number": receipt["block_number"]})
    return str(block["l2_gas_price"]["price_in_fri"])


@pytest.mark.parametrize("is_replaced", [True, False])
async def test_a_call_that_reverts_is_refused_when_final_unless_its_block_is_replaced(
    chain: Chain, rewards: Rewards, node: HashingNode, log: Log, user: Account, *, is_replaced: bool
) -> None:
    fees, thief = rewards.sponsoring.fees, chain.accounts[7].address
    await become_known(log, user.address)
    async with sink_of(rewards, log, node.url) as sink, rewards_indexer_of(rewards, log, node.url) as indexer:
        await carry_all(sink, indexer)
        height = chain.node.height()

        def empty_the_wallet(method: str, _: object) -> Any:
            if method == "starknet_addInvokeTransaction":
                node.instead = None
                fees.usd.invoke("transfer", thief, 1_000, by=user)

        node.instead = empty_the_wallet
        await ask(log, signed(user, rewards, "c-1"))
        await carry_all(sink, indexer)
        assert (sink.counts.reverted, fees.balance(thief)) == (1, 1_000)
        chain.node.ask("devnet_createBlock")
        await carry_all(sink, indexer)
        assert (sink.counts.sent, await reports(log)) == (2, {}), "it is neither sent again nor given up"
        if is_replaced:
            with node.changing(height):
                chain.node.abort_to(height)
                for _ in range(4):
                    chain.node.ask("devnet_createBlock")
        with node.on_l1(chain.node.height()):
            chain.node.ask("devnet_createBlock")
            await carry_all(sink, indexer)
        if is_replaced:
            with node.on_l1(chain.node.height()):
                await carry_all(sink, indexer)
        expected = ("executed", "") if is_replaced else ("refused", "call_reverted")
        assert await reports(log) == {"c-1": expected}
    assert fees.balance(FRIEND) == 10 * is_replaced


async def test_calls_that_may_not_happen_are_refused(
    chain: Chain, rewards: Rewards, node: HashingNode, log: Log, user: Account
) -> None:
    thief, chain_s = chain.accounts[7], chain.node.timestamp()
    await become_known(log, user.address)
    wrong = {
        "nonce_used": signed(user, rewards, "c-1"),
        "expired": signed(user, rewards, "c-2", nonce=padded(8), execute_before=5),
        "call_reverts": signed(user, rewards, "c-3", nonce=padded(9), times=101),
        "wallet_not_linked": signed(thief, rewards, "c-4"),
    }
    async with sink_of(rewards, log, node.url) as sink, rewards_indexer_of(rewards, log, node.url) as indexer:
        await ask(log, signed(user, rewards, "c-0"))
        await carry_all(sink, indexer)
        await ask(log, *wrong.values())
        await carry_all(sink, indexer)
        found = await reports(log)
        assert found == {call.call_id: ("refused", reason) for reason, call in wrong.items()}
        others = signed(user, rewards, "c-5", nonce=padded(10), caller=thief.address)
        forged = forged_of(signed(user, rewards, "c-6", nonce=padded(11)))
        await ask(log, others, forged, signed(user, rewards, "c-7", nonce=padded(12), execute_after=chain_s + 10**6))
        await carry_all(sink, indexer)
        found = await reports(log)
        assert (found["c-5"], found["c-6"]) == (("refused", "call_reverts"),) * 2
        assert "c-7" not in found, "its time has not come"
    assert rewards.sponsoring.fees.balance(FRIEND) == 10


def forged_of(command: SponsorCall) -> SponsorCall:
    return replace(command, signature=(padded(1), padded(2)))


@pytest.mark.heavy
async def test_what_a_user_makes_up_stops_nobody_elses_calls(
    chain: Chain, rewards: Rewards, node: HashingNode, log: Log, user: Account
) -> None:
    fees = rewards.sponsoring.fees
    fees.splitter.invoke("pause", by=fees.pauser)
    paused = ContractCall(to=padded(fees.splitter.address), selector=padded(selector("distribute")), calldata=())
    odd = {"ann": user.address, "bob": fees.usd.address, "carol": 0xCA201}
    for name, address in odd.items():
        await become_known(log, address, name)
        call = signed(user, rewards, f"c-{name}", calls=(paused,))
        await ask(log, replace(call, account=padded(address)), by=name)
    await ask(log, signed(user, rewards, "c-good", nonce=padded(8)))
    async with sink_of(rewards, log, node.url) as sink, rewards_indexer_of(rewards, log, node.url) as indexer:
        await carry_all(sink, indexer)
    assert await reports(log) == {
        "c-ann": ("refused", "call_reverts"),
        "c-bob": ("refused", "no_outside_execution"),
        "c-carol": ("refused", "no_outside_execution"),
    }
    assert fees.balance(FRIEND) == 10


@pytest.mark.heavy
async def test_an_allowance_is_spent_once_a_day(
    chain: Chain, rewards: Rewards, node: HashingNode, log: Log, user: Account
) -> None:
    async with sink_of(rewards, log, node.url) as sink, rewards_indexer_of(rewards, log, node.url) as indexer:
        await tell(log, linked("ann", padded(user.address)))
        await ask(log, signed(user, rewards, "c-0"))
        await carry_all(sink, indexer)
        assert await reports(log) == {"c-0": ("refused", "no_allowance")}
        await become_known(log, user.address)
        await carry_all(sink, indexer)
        for number in range(1, 8):
            await ask(log, signed(user, rewards, f"c-{number}", nonce=padded(20 + number), times=3))
            await carry_all(sink, indexer)
        found = await reports(log)
        executed = 7 - (len(found) - 1)
        assert 1 <= executed < 7
        assert {reason for _, (_, reason) in found.items()} == {"no_allowance", "allowance_spent"}
        assert rewards.sponsoring.fees.balance(FRIEND) == 30 * executed


@pytest.mark.heavy
@pytest.mark.parametrize("sends", [False, True])
async def test_a_call_happens_once_when_the_sink_is_killed(
    rewards: Rewards, node: HashingNode, log: Log, user: Account, *, sends: bool
) -> None:
    paymaster = rewards.sponsoring.paymaster
    await become_known(log, user.address)
    async with sink_of(rewards, log, node.url) as sink, rewards_indexer_of(rewards, log, node.url) as indexer:
        await carry_all(sink, indexer)
        await ask(log, signed(user, rewards, "c-1"))
        with killed_when_it_sends(sink, sends=sends):
            await carry_all(sink, indexer)
    async with sink_of(rewards, log, node.url) as sink, rewards_indexer_of(rewards, log, node.url) as indexer:
        await carry_all(sink, indexer)
    assert rewards.sponsoring.fees.balance(FRIEND) == 10
    assert len(paymaster.events("TransactionSponsored")) == 1
    assert await reports(log) == {}


@pytest.mark.parametrize("recorded", [pytest.param(True, marks=pytest.mark.heavy), False])
@pytest.mark.heavy
async def test_a_call_waits_while_the_paymaster_is_paused_and_its_users_level_is_not_on_the_chain(
    rewards: Rewards, node: HashingNode, log: Log, user: Account, *, recorded: bool
) -> None:
    paymaster, fees = rewards.sponsoring.paymaster, rewards.sponsoring.fees
    await become_known(log, user.address)
    async with sink_of(rewards, log, node.url) as sink, rewards_indexer_of(rewards, log, node.url) as indexer:
        if recorded:
            await carry_all(sink, indexer)
        paymaster.invoke("pause", by=fees.pauser)
        await ask(log, signed(user, rewards, "c-1"))
        with pytest.raises(RevertsError, match="Pausable: paused"):
            await carry_all(sink, indexer)
        assert await reports(log) == {}
        paymaster.invoke("unpause", by=fees.owner)
        await carry_all(sink, indexer)
    assert fees.balance(FRIEND) == 10
