"""The fee contracts with tokens that do not do what a token should."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chain.abi import selector
from tests.chain.deployed import Chain, reverts
from tests.chain.fees import PAYMASTER, STAKING, TREASURY, Fees, totals

BENEFICIARIES = (TREASURY, PAYMASTER, STAKING)


@pytest.fixture
def silent(chain: Chain) -> Iterator[Fees]:
    """Return fee contracts whose token returns nothing."""
    with chain.rolled_back():
        yield Fees.deploy(chain, token=chain.deploy("SilentToken"))


def test_a_token_that_returns_nothing_works(silent: Fees) -> None:
    silent.settle({"trading": 1000})
    silent.collector.invoke("sweep_fees")
    silent.splitter.invoke("release", PAYMASTER)
    silent.splitter.invoke("distribute")
    assert [silent.balance(each) for each in BENEFICIARIES] == [600, 250, 150]


def test_a_batch_that_loses_a_fee_on_its_way_is_refused(fees: Fees) -> None:
    fees.usd.invoke("set_fee", 10_000)
    with reverts("ERC20: another amount arrived"):
        fees.settle({"trading": 1000})
    assert fees.collector.call("last_batch") == (0, 0)


def test_what_arrives_after_a_fee_is_split(fees: Fees) -> None:
    fees.settle({"trading": 1000})
    fees.usd.invoke("set_fee", 10_000)
    fees.collector.invoke("sweep_fees")
    assert fees.splitter.call("total_received") == 990
    fees.splitter.invoke("distribute")
    assert fees.splitter.call("total_released") == 990


def test_a_token_that_refuses_moves_no_number(fees: Fees) -> None:
    fees.settle({"trading": 1000})
    fees.usd.invoke("set_paused", 1)
    with reverts("TestToken: paused"):
        fees.collector.invoke("sweep_fees")
    with reverts("TestToken: paused"):
        fees.settle({"trading": 1})
    fees.usd.invoke("set_paused", 0)
    fees.usd.invoke("set_refusal", fees.splitter.address, 2)
    with reverts("ERC20: transfer failed"):
        fees.collector.invoke("sweep_fees")
    assert fees.collector.call("total_swept") == 0
    fees.usd.invoke("set_refusal", fees.collector.address, 2)
    with reverts("ERC20: transfer failed"):
        fees.settle({"trading": 1})
    assert fees.collector.call("total_settled") == 1000


@pytest.mark.parametrize("during", ["release", "distribute"])
@pytest.mark.parametrize("reentry", ["release", "distribute"])
@pytest.mark.parametrize("ignoring", [True, False], ids=["ignoring", "reverting"])
def test_nobody_is_paid_twice_by_calling_back(fees: Fees, during: str, reentry: str, ignoring: bool) -> None:
    fees.usd.invoke("mint", fees.splitter.address, 1000)
    calldata = [PAYMASTER] if reentry == "release" else []
    fees.usd.invoke("set_reentry", fees.splitter.address, selector(reentry), calldata, ignoring)
    arguments = [PAYMASTER] if during == "release" else []
    if during == "release" and not ignoring:
        with reverts("ReentrancyGuard: reentrant call"):
            fees.splitter.invoke(during, *arguments)
    else:
        fees.splitter.invoke(during, *arguments)
    assert fees.usd.call("reentries") == 0
    paid = [fees.balance(each) for each in BENEFICIARIES]
    assert all(got in (0, due) for got, due in zip(paid, (600, 250, 150), strict=True))
    assert fees.splitter.call("total_released") == sum(paid)
    assert fees.splitter.call("total_received") == 1000


@pytest.mark.parametrize("reentry", ["sweep_fees", "settle_batch"])
def test_a_batch_is_not_settled_or_swept_twice_by_calling_back(fees: Fees, reentry: str) -> None:
    _, previous = fees.collector.call("last_batch")
    arguments = (2, previous, 0, totals({"nft": 1})) if reentry == "settle_batch" else ()
    calldata = fees.collector.contract_class.abi.encode(reentry, arguments)
    fees.usd.invoke("mint", fees.collector.address, 10)
    fees.usd.invoke("set_reentry", fees.collector.address, selector(reentry), calldata, True)
    fees.settle({"trading": 1000})
    fees.collector.invoke("sweep_fees")
    assert fees.usd.call("reentries") == 0
    assert fees.collector.call("last_batch")[0] == 1
    assert fees.balance(fees.splitter.address) == 1010
