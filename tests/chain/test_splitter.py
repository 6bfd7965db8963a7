"""The fee splitter: who gets what, and who may change it."""

from __future__ import annotations

import pytest

from tests.chain.deployed import Chain, reverts
from tests.chain.fees import DELAY_S, PAYMASTER, SHARES, STAKING, TREASURY, Fees, announce, change, shares
from tests.chain.transactions import RevertedError

OTHER = 0x07E4
BENEFICIARIES = (TREASURY, PAYMASTER, STAKING)


def test_what_is_received_is_split_by_shares_and_the_treasury_gets_the_rest(fees: Fees) -> None:
    fees.usd.invoke("mint", fees.splitter.address, 1_000_007)
    assert [fees.splitter.call("due", each) for each in BENEFICIARIES] == [600_005, 250_001, 150_001]
    for each in BENEFICIARIES:
        fees.splitter.invoke("release", each, by=fees.stranger)
    assert [fees.balance(each) for each in BENEFICIARIES] == [600_005, 250_001, 150_001]
    assert fees.balance(fees.splitter.address) == 0
    assert fees.splitter.call("total_released") == fees.splitter.call("total_received") == 1_000_007


def test_single_units_are_not_lost(fees: Fees) -> None:
    for _ in range(7):
        fees.usd.invoke("mint", fees.splitter.address, 1)
        fees.splitter.invoke("distribute")
    assert [fees.balance(each) for each in BENEFICIARIES] == [5, 1, 1]


def test_a_payment_is_an_event_with_its_number(fees: Fees) -> None:
    fees.usd.invoke("mint", fees.splitter.address, 100)
    before = fees.splitter.call("sequence")
    paid = fees.splitter.invoke("release", PAYMASTER).one("FeesDistributed")
    assert paid.fields == {"sequence": before + 1, "beneficiary": PAYMASTER, "amount": 25, "epoch": 1}
    assert fees.splitter.call("sequence") == before + 1
    assert fees.splitter.call("released", PAYMASTER) == 25


@pytest.mark.parametrize("beneficiary", [PAYMASTER, OTHER])
def test_nothing_is_paid_when_nothing_is_due(fees: Fees, beneficiary: int) -> None:
    fees.usd.invoke("mint", fees.splitter.address, 100)
    fees.splitter.invoke("distribute")
    with reverts("FeeSplitter: nothing is due"):
        fees.splitter.invoke("release", beneficiary)


def test_the_largest_amounts_do_not_overflow(fees: Fees) -> None:
    left = 2**256 - 1 - fees.usd.call("total_supply")
    fees.usd.invoke("mint", fees.splitter.address, left)
    fees.splitter.invoke("distribute")
    assert fees.balance(PAYMASTER) == left * 250_000 // 1_000_000
    assert sum(map(fees.balance, BENEFICIARIES)) == left


@pytest.mark.parametrize("refusal", [1, 2], ids=["reverts", "returns false"])
def test_distribute_skips_a_beneficiary_whose_payment_fails(fees: Fees, refusal: int) -> None:
    fees.usd.invoke("mint", fees.splitter.address, 1000)
    fees.usd.invoke("set_refusal", PAYMASTER, refusal)
    receipt = fees.splitter.invoke("distribute")
    assert receipt.one("PaymentSkipped").fields.items() >= {"beneficiary": PAYMASTER, "amount": 250}.items()
    assert [fees.balance(each) for each in BENEFICIARIES] == [600, 0, 150]
    assert fees.splitter.call("released", PAYMASTER) == 0
    with pytest.raises(RevertedError, match=r"TestToken: refused|transfer failed"):
        fees.splitter.invoke("release", PAYMASTER)
    fees.usd.invoke("set_refusal", PAYMASTER, 0)
    fees.splitter.invoke("distribute")
    assert [fees.balance(each) for each in BENEFICIARIES] == [600, 250, 150]


def test_a_pause_stops_distribute_and_keeps_nobody_from_what_is_due(fees: Fees) -> None:
    fees.usd.invoke("mint", fees.splitter.address, 1000)
    fees.splitter.invoke("pause", by=fees.pauser)
    with reverts("Pausable: paused"):
        fees.splitter.invoke("distribute")
    for each in BENEFICIARIES:
        fees.splitter.invoke("release", each)
    assert [fees.balance(each) for each in BENEFICIARIES] == [600, 250, 150]


def test_other_shares_count_from_their_change_on(chain: Chain, fees: Fees) -> None:
    fees.usd.invoke("mint", fees.splitter.address, 1000)
    fees.splitter.invoke("release", TREASURY)
    done = change(chain, fees.splitter, "set_shares", shares((OTHER, 500_000), (STAKING, 500_000)))
    assert done.one("SharesChanged")["received_before"] == 1000
    fees.usd.invoke("mint", fees.splitter.address, 100)
    everyone = (*BENEFICIARIES, OTHER)
    assert [fees.splitter.call("due", each) for each in everyone] == [0, 250, 200, 50]
    for each in (PAYMASTER, STAKING, OTHER):
        fees.splitter.invoke("release", each)
    assert fees.balance(fees.splitter.address) == 0
    assert fees.splitter.call("epoch") == 2
    assert fees.splitter.call("shares") == shares((OTHER, 500_000), (STAKING, 500_000))


def test_who_leaves_and_returns_keeps_what_was_earned(chain: Chain, fees: Fees) -> None:
    fees.usd.invoke("mint", fees.splitter.address, 1000)
    change(chain, fees.splitter, "set_shares", shares((OTHER, 1_000_000)))
    fees.usd.invoke("mint", fees.splitter.address, 1000)
    change(chain, fees.splitter, "set_shares", shares((PAYMASTER, 1_000_000)))
    fees.usd.invoke("mint", fees.splitter.address, 1000)
    assert [fees.splitter.call("due", each) for each in (*BENEFICIARIES, OTHER)] == [600, 1250, 150, 1000]


def test_sixteen_beneficiaries_are_paid_in_one_transaction(chain: Chain, fees: Fees) -> None:
    pairs = [(0x1000 + each, 60_000) for each in range(15)] + [(0x2000, 100_000)]
    change(chain, fees.splitter, "set_shares", shares(*pairs))
    fees.usd.invoke("mint", fees.splitter.address, 1_000_000)
    fees.splitter.invoke("distribute")
    assert [fees.balance(who) for who, _ in pairs] == [ppm for _, ppm in pairs]


def test_shares_change_only_48_hours_after_their_announcement(chain: Chain, fees: Fees) -> None:
    new = shares((OTHER, 1_000_000))
    for account in (fees.owner, fees.stranger):
        with reverts("Timelock: only when announced"):
            fees.splitter.invoke("set_shares", new, by=account)
    announced = announce(fees.splitter, "set_shares", new)
    chain.node.advance(DELAY_S - 60)
    with reverts("Timelock: too early"):
        fees.splitter.invoke("execute", *announced)
    chain.node.advance(60)
    fees.splitter.invoke("execute", *announced)
    assert fees.splitter.call("shares") == new


@pytest.mark.parametrize(
    ("pairs", "reason"),
    [
        (((TREASURY, 999_999),), "FeeSplitter: not 1,000,000 ppm"),
        (((TREASURY, 1_000_001),), "FeeSplitter: not 1,000,000 ppm"),
        (((TREASURY, 1_000_000), (PAYMASTER, 0)), "FeeSplitter: share is zero"),
        (((0, 1_000_000),), "FeeSplitter: zero beneficiary"),
        (((TREASURY, 500_000), (TREASURY, 500_000)), "FeeSplitter: duplicate"),
        (tuple((each, 50_000) for each in range(1, 18)), "FeeSplitter: too many"),
    ],
)
def test_shares_that_make_no_whole_are_refused(
    chain: Chain, fees: Fees, pairs: tuple[tuple[int, int], ...], reason: str
) -> None:
    accounts = fees.owner.address, fees.pauser.address
    with chain.rolled_back(), reverts(reason):
        chain.deploy("FeeSplitter", *accounts, fees.usd.address, shares(*pairs))
    with reverts(reason):
        change(chain, fees.splitter, "set_shares", shares(*pairs))
    assert fees.splitter.call("shares") == shares(*SHARES)


def test_the_splitter_cannot_pay_itself(chain: Chain, fees: Fees) -> None:
    with reverts("FeeSplitter: pays itself"):
        change(chain, fees.splitter, "set_shares", shares((fees.splitter.address, 1_000_000)))


def test_constructors_refuse_address_zero(chain: Chain, fees: Fees) -> None:
    good = [fees.owner.address, fees.pauser.address, fees.usd.address]
    reasons = ("Ownable: owner is zero", "Roles: account is zero", "FeeSplitter: token is zero")
    for place, reason in enumerate(reasons):
        arguments = [0 if i == place else each for i, each in enumerate(good)]
        with chain.rolled_back(), reverts(reason):
            chain.deploy("FeeSplitter", *arguments, shares(*SHARES))
    assert fees.splitter.call("token") == fees.usd.address


def test_the_owner_sets_the_first_shares_once(chain: Chain, fees: Fees) -> None:
    owners = fees.owner.address, fees.pauser.address
    splitter = chain.deploy(fees.splitter.contract_class, *owners, fees.usd.address, [])
    fees.usd.invoke("mint", splitter.address, 1000)
    splitter.invoke("distribute")
    for who in (0, TREASURY):
        with reverts("FeeSplitter: nothing is due"):
            splitter.invoke("release", who)
    with reverts("FeeSplitter: no first shares"):
        change(chain, splitter, "set_shares", shares(*SHARES))
    for caller in (fees.pauser, fees.stranger):
        with reverts("Ownable: not the owner"):
            splitter.invoke("set_first_shares", shares(*SHARES), by=caller)
    with reverts("FeeSplitter: no beneficiary"):
        splitter.invoke("set_first_shares", [])
    assert splitter.invoke("set_first_shares", shares(*SHARES)).one("SharesChanged")["epoch"] == 1
    splitter.invoke("distribute")
    assert [fees.balance(each) for each in BENEFICIARIES] == [600, 250, 150], "what came before is split, too"
    with reverts("FeeSplitter: has shares"):
        splitter.invoke("set_first_shares", shares((OTHER, 1_000_000)))
