"""The paymaster: what funds it, whom it sponsors, and who may say so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chain.abi import selector
from tests.chain.deployed import Chain, reverts
from tests.chain.fees import STAKING, Fees, change, shares
from tests.chain.sponsoring import ALLOWANCES, DAY_S, MAX_PRICE, TIERS, Sponsoring

pytestmark = pytest.mark.heavy  # in CI, random transactions are compared with a reference
ANN, BOB = 0xA22, 0xB0B
REQUEST = 0x5EED


@pytest.fixture(scope="module")
def deployed_sponsoring(chain: Chain, deployed_fees: Fees) -> Iterator[Sponsoring]:
    with chain.rolled_back():
        yield Sponsoring.deploy(chain, deployed_fees)


@pytest.fixture
def sponsoring(chain: Chain, deployed_sponsoring: Sponsoring) -> Iterator[Sponsoring]:
    with chain.rolled_back():
        yield deployed_sponsoring


@pytest.fixture
def funded(sponsoring: Sponsoring) -> Sponsoring:
    """Return a paymaster with a dollar, and Ann in the first tier."""
    sponsoring.fund(1_000_000)
    sponsoring.record(ANN, 0)
    return sponsoring


def test_the_splitters_share_is_funding(sponsoring: Sponsoring) -> None:
    collected = sponsoring.fund(1000).one("FundingCollected")
    assert collected.fields.items() >= {"splitter": sponsoring.fees.splitter.address, "amount": 1000}.items()
    assert sponsoring.paymaster.call("total_funded") == 1000
    assert sponsoring.fees.balance(sponsoring.paymaster.address) == 1000


def test_what_someone_else_released_is_funding_too(sponsoring: Sponsoring) -> None:
    for amount in (400, 800):
        sponsoring.receive_fees(amount)
        sponsoring.fees.splitter.invoke("distribute", by=sponsoring.fees.stranger)
    assert sponsoring.paymaster.invoke("collect").one("FundingCollected")["amount"] == 300
    with reverts("Paymaster: nothing to collect"):
        sponsoring.paymaster.invoke("collect")


def test_tokens_from_elsewhere_are_not_funding(sponsoring: Sponsoring) -> None:
    sponsoring.fees.usd.invoke("mint", sponsoring.paymaster.address, 10**9)
    with reverts("Paymaster: nothing to collect"):
        sponsoring.paymaster.invoke("collect")
    sponsoring.record(ANN, 0)
    with reverts("Paymaster: not funded"):
        sponsoring.pay(REQUEST, ANN, 1000, 1)
    assert sponsoring.paymaster.call("total_funded") == 0


def test_a_sponsored_transaction_is_counted_and_paid(funded: Sponsoring) -> None:
    paid = funded.pay(REQUEST, ANN, 40_000, 10_000).one("TransactionSponsored")
    assert paid.fields == {
        "sequence": funded.paymaster.call("sequence"),
        "user": ANN,
        "request": REQUEST,
        "sponsor": funded.sponsor.address,
        "gas": 40_000,
        "gas_left": 60_000,
        "tier": 1,
        "cost": 10_000,
    }
    assert funded.paymaster.call("gas_left", ANN) == 60_000
    assert funded.paymaster.call("total_spent") == funded.fees.balance(funded.sponsor.address) == 10_000
    assert funded.paymaster.call("is_sponsored", REQUEST)
    assert not funded.paymaster.call("is_sponsored", REQUEST + 1)


def test_a_request_is_sponsored_once(funded: Sponsoring) -> None:
    funded.pay(REQUEST, ANN, 1000, 1)
    with reverts("Paymaster: already sponsored"):
        funded.pay(REQUEST, ANN, 1000, 1)
    funded.pay(REQUEST + 1, ANN, 1000, 1)


def test_the_allowance_ends_and_returns_with_the_next_day(chain: Chain, funded: Sponsoring) -> None:
    chain.node.advance(DAY_S - chain.node.timestamp() % DAY_S + 60)  # the day must not end within the test
    funded.pay(1, ANN, 99_999, 0)
    with reverts("Paymaster: above the allowance"):
        funded.pay(2, ANN, 2, 0)
    funded.pay(2, ANN, 1, 0)
    with reverts("Paymaster: above the allowance"):
        funded.pay(3, ANN, 1, 0)
    assert funded.paymaster.call("gas_left", ANN) == 0
    chain.node.advance(DAY_S)
    with reverts("Paymaster: above the allowance"):
        funded.pay(3, ANN, 100_001, 0)
    funded.pay(3, ANN, 100_000, 0)


def test_the_allowance_follows_the_tier(funded: Sponsoring) -> None:
    for tier, (experience, gas) in enumerate(zip(TIERS, ALLOWANCES, strict=True), start=1):
        if experience:
            funded.record(ANN, experience - 1)
            assert funded.reputation.call("tier", ANN) == tier - 1
            funded.record(ANN, experience)
        assert funded.reputation.call("tier", ANN) == tier
        assert funded.paymaster.call("allowance_of", ANN) == gas


def test_a_higher_tier_keeps_what_was_used(funded: Sponsoring) -> None:
    funded.pay(1, ANN, 100_000, 0)
    funded.record(ANN, 5_000)
    assert funded.paymaster.call("gas_left", ANN) == 100_000


def test_a_user_without_reputation_is_not_sponsored(funded: Sponsoring) -> None:
    assert (funded.paymaster.call("allowance_of", BOB), funded.paymaster.call("gas_left", BOB)) == (0, 0)
    with reverts("Paymaster: no reputation"):
        funded.pay(REQUEST, BOB, 1, 0)


@pytest.mark.parametrize(
    ("gas", "cost", "reason"),
    [
        (0, 0, "gas is zero"),
        (2**64 - 1, 0, "above the allowance"),
        (40_000, 10_001, "above the price"),
        (3, 1, "above the price"),
        (40_000, 2**256 - 1, "above the price"),
    ],
)
def test_wrong_amounts_are_refused(funded: Sponsoring, gas: int, cost: int, reason: str) -> None:
    with reverts(f"Paymaster: {reason}"):
        funded.pay(REQUEST, ANN, gas, cost)
    assert not funded.paymaster.call("is_sponsored", REQUEST)
    assert funded.paymaster.call("gas_left", ANN) == 100_000


def test_no_more_is_spent_than_was_funded(sponsoring: Sponsoring) -> None:
    sponsoring.fund(100)
    sponsoring.fees.usd.invoke("mint", sponsoring.paymaster.address, 1000)
    sponsoring.record(ANN, 0)
    sponsoring.pay(1, ANN, 1000, 100)
    with reverts("Paymaster: not funded"):
        sponsoring.pay(2, ANN, 1000, 1)


def test_each_role_does_its_own(funded: Sponsoring) -> None:
    fees = funded.fees
    for account in (fees.owner, fees.pauser, funded.recorder, fees.stranger):
        with reverts("Roles: missing role"):
            funded.paymaster.invoke("sponsor", REQUEST, ANN, 1, 0, by=account)
    for account in (fees.owner, fees.pauser, funded.sponsor, fees.stranger):
        with reverts("Roles: missing role"):
            funded.paymaster.invoke("record", ANN, 10, by=account)


def test_a_pause_stops_everything_but_collecting(funded: Sponsoring) -> None:
    funded.paymaster.invoke("pause", by=funded.fees.pauser)
    with reverts("Pausable: paused"):
        funded.pay(REQUEST, ANN, 1, 0)
    with reverts("Pausable: paused"):
        funded.record(ANN, 10)
    funded.fund(5)


def test_the_price_changes_by_an_announcement(chain: Chain, funded: Sponsoring) -> None:
    for account in (funded.fees.owner, funded.sponsor):
        with reverts("Timelock: only when announced"):
            funded.paymaster.invoke("set_max_price", 1, by=account)
    assert change(chain, funded.paymaster, "set_max_price", 10**6).one("MaxPriceChanged")["price"] == 10**6
    assert funded.paymaster.call("max_price") == 10**6
    funded.pay(REQUEST, ANN, 1000, 1000)


def test_another_splitter_takes_an_announcement(chain: Chain, funded: Sponsoring) -> None:
    for account in (funded.fees.owner, funded.fees.stranger):
        with reverts("Timelock: only when announced"):
            funded.paymaster.invoke("set_splitter", 0x123, by=account)
    with chain.rolled_back(), reverts("Paymaster: splitter is zero"):
        change(chain, funded.paymaster, "set_splitter", 0)
    fees = funded.fees
    owners = fees.owner.address, fees.pauser.address, fees.usd.address
    other = chain.deploy("FeeSplitter", *owners, shares((STAKING, 500_000), (funded.paymaster.address, 500_000)))
    change(chain, funded.paymaster, "set_splitter", other.address)
    assert funded.paymaster.call("splitter") == other.address
    fees.usd.invoke("mint", other.address, 14)
    funded.paymaster.invoke("collect")
    assert funded.paymaster.call("total_funded") == 1_000_007
    change(chain, funded.paymaster, "set_splitter", fees.splitter.address)
    with reverts("Paymaster: nothing to collect"):
        funded.paymaster.invoke("collect")


@pytest.mark.parametrize("reentry", ["collect", "sponsor"])
def test_nobody_is_paid_twice_by_calling_back(chain: Chain, funded: Sponsoring, reentry: str) -> None:
    usd = funded.fees.usd
    change(chain, funded.paymaster, "grant_role", "SPONSOR", usd.address)
    arguments = (REQUEST + 1, ANN, 1000, 1) if reentry == "sponsor" else ()
    calldata = funded.paymaster.contract_class.abi.encode(reentry, arguments)
    funded.receive_fees(400)
    usd.invoke("set_reentry", funded.paymaster.address, selector(reentry), calldata, True)
    funded.pay(REQUEST, ANN, 1000, 1)
    funded.paymaster.invoke("collect")
    assert usd.call("reentries") == 0
    assert (funded.paymaster.call("total_spent"), funded.paymaster.call("total_funded")) == (1, 1_000_100)


def test_a_token_that_refuses_moves_no_number(funded: Sponsoring) -> None:
    funded.fees.usd.invoke("set_refusal", funded.sponsor.address, 2)
    with reverts("ERC20: transfer failed"):
        funded.pay(REQUEST, ANN, 1000, 1)
    assert (funded.paymaster.call("total_spent"), funded.paymaster.call("gas_left", ANN)) == (0, 100_000)


def test_constructors_refuse_address_zero(chain: Chain, sponsoring: Sponsoring) -> None:
    role = "Roles: account is zero"
    reasons = ("Ownable: owner is zero", role, role, role, "Paymaster: token is zero", "Paymaster: splitter is zero")
    class_hash = sponsoring.reputation.contract_class.class_hash
    for place, reason in enumerate(reasons):
        arguments = [0 if i == place else 0x100 + i for i in range(len(reasons))]
        with chain.rolled_back(), reverts(reason):
            chain.deploy("Paymaster", *arguments, class_hash, MAX_PRICE)
    assert sponsoring.paymaster.call("token") == sponsoring.fees.usd.address
