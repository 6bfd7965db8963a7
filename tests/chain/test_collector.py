"""The fee collector: each batch once, in order, with exactly its tokens."""

from __future__ import annotations

import pytest

from tests.chain.abi import short_string
from tests.chain.deployed import Chain, reverts
from tests.chain.fees import DETAILS, Fees, batch_hash, change, totals

AMOUNTS = {"trading": 700, "nft": 40, "subscriptions": 5}


def test_a_batch_brings_its_tokens_and_totals(fees: Fees) -> None:
    settled = fees.settle(AMOUNTS).one("BatchSettled")
    listed = totals(AMOUNTS)
    expected = batch_hash(1, 0, DETAILS, listed)
    assert settled.fields == {
        "sequence": fees.collector.call("sequence"),
        "batch": 1,
        "previous_hash": 0,
        "hash": expected,
        "details": DETAILS,
        "amount": 745,
        "totals": listed,
    }
    assert fees.collector.call("last_batch") == (1, expected)
    assert fees.collector.call("batch_hash", 1) == expected
    assert fees.collector.call("total_settled") == fees.balance(fees.collector.address) == 745
    assert fees.collector.call("total_of", "trading") == 700


def test_a_batch_is_settled_once_and_in_order(fees: Fees) -> None:
    fees.settle(AMOUNTS)
    _, first = fees.collector.call("last_batch")
    for batch, previous in ((1, 0), (1, first), (3, first), (0, first)):
        with reverts("FeeCollector: batch order"):
            fees.collector.invoke("settle_batch", batch, previous, 0, totals(AMOUNTS), by=fees.settler)
    for previous in (0, first + 1):
        with reverts("FeeCollector: previous hash"):
            fees.collector.invoke("settle_batch", 2, previous, 0, totals(AMOUNTS), by=fees.settler)
    fees.settle({"nft": 1})
    assert fees.collector.call("total_settled") == 746
    assert fees.collector.call("total_of", "nft") == 41


def test_the_hash_depends_on_every_part_of_a_batch(fees: Fees) -> None:
    hashes = set()
    for details, amounts in ((0, AMOUNTS), (1, AMOUNTS), (0, AMOUNTS | {"nft": 41}), (0, {"nft": 745})):
        with fees.chain.rolled_back():
            fees.collector.invoke("settle_batch", 1, 0, details, totals(amounts), by=fees.settler)
            hashes.add(fees.collector.call("batch_hash", 1))
    assert len(hashes) == 4


def test_only_the_settler_settles(fees: Fees) -> None:
    for account in (fees.owner, fees.pauser, fees.stranger):
        with reverts("Roles: missing role"):
            fees.settle(AMOUNTS, by=account)


def test_nothing_is_settled_while_paused_and_everything_can_be_swept(fees: Fees) -> None:
    fees.settle(AMOUNTS)
    fees.collector.invoke("pause", by=fees.pauser)
    with reverts("Pausable: paused"):
        fees.settle(AMOUNTS)
    fees.collector.invoke("sweep_fees", by=fees.stranger)
    assert fees.balance(fees.splitter.address) == 745
    fees.collector.invoke("unpause")
    fees.settle(AMOUNTS)


@pytest.mark.parametrize(
    ("listed", "reason"),
    [
        ([], "FeeCollector: no source"),
        ([("nft", 0)], "FeeCollector: amount is zero"),
        ([("nft", 1), ("nft", 1)], "FeeCollector: order of sources"),
        ([("trading", 1), ("nft", 1)], "FeeCollector: order of sources"),
        ([(0, 1)], "FeeCollector: order of sources"),
        ([(each, 1) for each in range(1, 34)], "FeeCollector: too many sources"),
        ([("a", 2**255), ("b", 2**255)], "u256_add Overflow"),
        ([("nft", 2**201)], "ERC20: insufficient balance"),
    ],
)
def test_a_batch_with_wrong_totals_is_refused(fees: Fees, listed: list[tuple[str | int, int]], reason: str) -> None:
    given = [
        {"source": short_string(source) if isinstance(source, str) else source, "amount": amount}
        for source, amount in listed
    ]
    with reverts(reason):
        fees.collector.invoke("settle_batch", 1, 0, 0, given, by=fees.settler)
    assert fees.collector.call("last_batch") == (0, 0)


def test_a_settler_without_an_allowance_settles_nothing(fees: Fees) -> None:
    fees.usd.invoke("approve", fees.collector.address, 744, by=fees.settler)
    with reverts("ERC20: insufficient allowance"):
        fees.settle(AMOUNTS)


def test_a_sweep_separates_fees_from_other_tokens(fees: Fees) -> None:
    fees.settle(AMOUNTS)
    fees.usd.invoke("mint", fees.collector.address, 55)
    swept = fees.collector.invoke("sweep_fees", by=fees.stranger).one("FeesSwept")
    expected = {"splitter": fees.splitter.address, "batch": 1, "amount": 745, "surplus": 55}
    assert swept.fields.items() >= expected.items()
    assert fees.collector.call("total_swept") == 745
    assert fees.collector.call("total_surplus") == 55
    assert fees.balance(fees.splitter.address) == 800
    with reverts("FeeCollector: nothing to sweep"):
        fees.collector.invoke("sweep_fees")


def test_a_token_that_takes_balances_away_traps_nothing(fees: Fees) -> None:
    fees.settle(AMOUNTS)
    fees.usd.invoke("take", fees.collector.address, 45)
    assert fees.collector.invoke("sweep_fees").one("FeesSwept")["amount"] == 700
    fees.usd.invoke("mint", fees.collector.address, 50)
    assert fees.collector.invoke("sweep_fees").one("FeesSwept").fields.items() >= {"amount": 45, "surplus": 5}.items()


def test_another_splitter_takes_an_announcement(chain: Chain, fees: Fees) -> None:
    for account in (fees.owner, fees.stranger):
        with reverts("Timelock: only when announced"):
            fees.collector.invoke("set_splitter", 0x123, by=account)
    for address, reason in ((0, "splitter is zero"), (fees.collector.address, "sweeps to itself")):
        with chain.rolled_back(), reverts(f"FeeCollector: {reason}"):
            change(chain, fees.collector, "set_splitter", address)
    assert change(chain, fees.collector, "set_splitter", 0x123).one("SplitterChanged")["splitter"] == 0x123
    fees.settle(AMOUNTS)
    fees.collector.invoke("sweep_fees")
    assert fees.balance(0x123) == 745
    assert fees.collector.call("splitter") == 0x123


def test_constructors_refuse_address_zero(chain: Chain, fees: Fees) -> None:
    reasons = ("Ownable: owner", "Roles: account", "Roles: account", "FeeCollector: token", "FeeCollector: splitter")
    for place, reason in enumerate(reasons):
        arguments = [0 if i == place else 0x100 + i for i in range(len(reasons))]
        with chain.rolled_back(), reverts(f"{reason} is zero"):
            chain.deploy("FeeCollector", *arguments)
    assert fees.collector.call("token") == fees.usd.address
