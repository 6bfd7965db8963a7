"""Staking: who earns what, how one leaves, and who may change it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.chain.abi import selector
from tests.chain.deployed import Chain, reverts
from tests.chain.fees import Fees, change
from tests.chain.staking import EXIT_S, FUNDED_MAX, SCALE, STAKED_MAX, STREAM_S, WEALTH, Staking
from tests.chain.transactions import Account

pytestmark = pytest.mark.heavy  # in CI, random transactions are compared with a reference
REWARD = STREAM_S * 10**6
"""A dollar a second."""
SLACK = 60 * 10**6
"""What a minute of a stream pays: the node's clock goes on while a test runs."""


@pytest.fixture(scope="module")
def deployed_staking(chain: Chain, deployed_fees: Fees) -> Iterator[Staking]:
    with chain.rolled_back():
        yield Staking.deploy(chain, deployed_fees)


@pytest.fixture
def staking(chain: Chain, deployed_staking: Staking) -> Iterator[Staking]:
    with chain.rolled_back():
        yield deployed_staking


@pytest.fixture
def ann(staking: Staking) -> Account:
    return staking.stakers[0]


@pytest.fixture
def bob(staking: Staking) -> Account:
    return staking.stakers[1]


def stake(staking: Staking, account: Account, amount: int) -> None:
    staking.manager.invoke("stake", amount, by=account)


def claim(staking: Staking, account: Account) -> int:
    """Claim, and return the amount."""
    return int(staking.manager.invoke("claim", by=account).one("RewardsClaimed")["amount"])


def test_a_stake_is_counted_and_held(staking: Staking, ann: Account, bob: Account) -> None:
    stake(staking, ann, 70)
    staked = staking.manager.invoke("stake", 5, by=ann).one("Staked")
    assert staked.fields == {
        "sequence": staking.manager.call("sequence"),
        "account": ann.address,
        "amount": 5,
        "staked": 75,
    }
    stake(staking, bob, 25)
    assert [staking.manager.call("staked", each.address) for each in (ann, bob)] == [75, 25]
    assert staking.manager.call("total_staked") == staking.astra.call("balance_of", staking.manager.address) == 100


def test_a_stake_needs_tokens_and_an_amount(staking: Staking, ann: Account) -> None:
    with reverts("StakingManager: amount is zero"):
        stake(staking, ann, 0)
    with reverts("ERC20: insufficient balance"):
        stake(staking, ann, WEALTH + 1)
    staking.astra.invoke("approve", staking.manager.address, 9, by=ann)
    with reverts("ERC20: insufficient allowance"):
        stake(staking, ann, 10)
    assert staking.manager.call("total_staked") == 0


def test_more_stake_than_arithmetic_bears_is_refused(staking: Staking, ann: Account) -> None:
    staking.astra.invoke("mint", ann.address, STAKED_MAX)
    stake(staking, ann, STAKED_MAX)
    with reverts("StakingManager: too much stake"):
        stake(staking, ann, 1)


def test_a_stake_that_loses_a_fee_on_its_way_is_refused(staking: Staking, ann: Account) -> None:
    staking.astra.invoke("set_fee", 10_000)
    with reverts("ERC20: another amount arrived"):
        stake(staking, ann, 1000)


def test_rewards_are_streamed_over_seven_days(staking: Staking, ann: Account) -> None:
    stake(staking, ann, 100)
    staking.reward(REWARD)
    staking.wait(STREAM_S // 2)
    assert claim(staking, ann) == pytest.approx(REWARD // 2, abs=SLACK)
    staking.wait(STREAM_S)
    claim(staking, ann)
    assert staking.rewards_of(ann) == REWARD
    staking.wait(STREAM_S)
    with reverts("StakingManager: nothing earned"):
        claim(staking, ann)


def test_the_splitters_share_is_pulled_and_streamed(staking: Staking, ann: Account) -> None:
    stake(staking, ann, 100)
    staking.fees.usd.invoke("mint", staking.fees.splitter.address, 1_000_000)
    receipt = staking.manager.invoke("collect", by=staking.fees.stranger)
    assert receipt.one("RewardsCollected")["amount"] == receipt.one("StreamStarted")["amount"] == 150_000
    assert staking.fees.splitter.call("released", staking.manager.address) == 150_000
    staking.wait(STREAM_S)
    assert claim(staking, ann) == 150_000


def test_what_someone_else_released_or_gave_is_streamed_too(staking: Staking, ann: Account) -> None:
    stake(staking, ann, 100)
    staking.fees.usd.invoke("mint", staking.fees.splitter.address, 1_000_000)
    staking.fees.splitter.invoke("release", staking.manager.address, by=staking.fees.stranger)
    staking.arrive(7)
    assert staking.manager.invoke("collect").one("RewardsCollected")["amount"] == 150_007
    with reverts("StakingManager: nothing arrived"):
        staking.manager.invoke("collect")
    assert staking.manager.call("total_funded") == 150_007


def test_what_arrives_during_a_stream_waits_for_the_next_one(staking: Staking, ann: Account) -> None:
    stake(staking, ann, 100)
    staking.reward(REWARD)
    staking.wait(STREAM_S // 2)
    assert not [event for event in staking.reward(1).events if event.name == "StreamStarted"]
    assert (staking.manager.call("waiting"), staking.manager.call("stream")["amount"]) == (1, REWARD)
    staking.wait(STREAM_S // 2 + 1)
    receipt = staking.manager.invoke("claim", by=ann)
    assert receipt.one("StreamStarted")["amount"] == 1
    assert staking.rewards_of(ann) == REWARD, "one more unit did not stretch the stream"
    assert staking.manager.call("waiting") == 0


def test_rewards_are_shared_by_stake_and_time(staking: Staking, ann: Account, bob: Account) -> None:
    stake(staking, ann, 300)
    staking.reward(REWARD)
    staking.wait(STREAM_S // 2)
    stake(staking, bob, 100)
    staking.wait(STREAM_S)
    assert claim(staking, ann) == pytest.approx(REWARD * 7 // 8, abs=SLACK)
    assert claim(staking, bob) == pytest.approx(REWARD // 8, abs=SLACK)
    assert REWARD - 2 < staking.rewards_of(ann) + staking.rewards_of(bob) <= REWARD


def test_joining_around_a_collection_earns_the_time_share_alone(staking: Staking, ann: Account, bob: Account) -> None:
    stake(staking, ann, 100)
    staking.arrive(REWARD)
    stake(staking, bob, 100 * 999)
    joined = staking.updated_at()
    staking.manager.invoke("collect", by=bob)
    staking.manager.invoke("unstake", 100 * 999, by=bob)
    held_s = staking.updated_at() - joined
    staking.wait(STREAM_S)
    assert staking.manager.call("claimable", bob.address) <= REWARD * held_s // STREAM_S
    claim(staking, ann)
    assert staking.rewards_of(ann) >= REWARD * (STREAM_S - held_s) // STREAM_S - 1


def test_nothing_accrues_to_nobody(staking: Staking, ann: Account, bob: Account) -> None:
    staking.reward(REWARD)
    staking.wait(STREAM_S * 2)
    stake(staking, ann, 100)
    assert staking.manager.call("claimable", ann.address) < SLACK
    staking.wait(STREAM_S // 2)
    staking.manager.invoke("unstake", 100, by=ann)
    staking.wait(STREAM_S * 2)
    stake(staking, bob, 1)
    staking.wait(STREAM_S)
    earned = claim(staking, ann), claim(staking, bob)
    assert earned[0] == pytest.approx(REWARD // 2, abs=SLACK)
    assert REWARD - 2 < sum(earned) <= REWARD


def test_a_claim_keeps_the_fraction_of_a_unit(staking: Staking, ann: Account, bob: Account) -> None:
    stake(staking, ann, 1)
    stake(staking, bob, 2)
    for _ in range(3):
        staking.reward(1)
        staking.wait(STREAM_S)
        staking.manager.invoke("unstake", 1, by=bob)  # any change counts what was earned
        stake(staking, bob, 1)
    assert claim(staking, bob) in (1, 2)
    with reverts("StakingManager: nothing earned"):
        claim(staking, bob)
    staking.reward(1)
    staking.wait(STREAM_S)
    assert claim(staking, ann) == 1


def test_calling_often_loses_nothing_of_the_largest_stake(staking: Staking, ann: Account) -> None:
    staking.astra.invoke("mint", ann.address, STAKED_MAX)
    stake(staking, ann, STAKED_MAX)
    staking.reward(2)
    for _ in range(4):
        staking.wait(STREAM_S // 4)
        staking.reward(1)  # waits, and divides what the stream has released
    assert claim(staking, ann) == 2


def test_leaving_takes_seven_days_and_earns_nothing(staking: Staking, ann: Account, bob: Account) -> None:
    stake(staking, ann, 100)
    stake(staking, bob, 100)
    started = staking.manager.invoke("unstake", 60, by=ann).one("ExitStarted")
    ready_at = staking.updated_at() + EXIT_S
    assert started.fields.items() >= {"amount": 60, "staked": 40, "exiting": 60, "ready_at": ready_at}.items()
    assert staking.manager.call("exit_of", ann.address) == {"amount": 60, "ready_at": ready_at}
    assert (staking.manager.call("total_staked"), staking.manager.call("total_exiting")) == (140, 60)
    staking.reward(REWARD)
    staking.wait(EXIT_S - 120)
    with reverts("StakingManager: too early"):
        staking.manager.invoke("withdraw", by=ann)
    staking.wait(120)
    assert staking.manager.invoke("withdraw", by=ann).one("Withdrawn")["amount"] == 60
    assert staking.astra.call("balance_of", ann.address) == WEALTH - 40
    assert staking.manager.call("total_exiting") == 0
    assert staking.manager.call("claimable", ann.address) <= REWARD * 40 // 140
    with reverts("StakingManager: nothing leaves"):
        staking.manager.invoke("withdraw", by=ann)


def test_a_second_exit_joins_the_first_and_waits_again(staking: Staking, ann: Account) -> None:
    stake(staking, ann, 100)
    staking.manager.invoke("unstake", 60, by=ann)
    staking.wait(EXIT_S - 120)
    staking.manager.invoke("unstake", 40, by=ann)
    staking.wait(EXIT_S - 120)
    with reverts("StakingManager: too early"):
        staking.manager.invoke("withdraw", by=ann)
    staking.wait(120)
    staking.manager.invoke("withdraw", by=ann)
    assert staking.astra.call("balance_of", ann.address) == WEALTH


@pytest.mark.parametrize(("amount", "reason"), [(0, "amount is zero"), (101, "not staked"), (2**256 - 1, "not staked")])
def test_more_than_the_stake_cannot_leave(staking: Staking, ann: Account, amount: int, reason: str) -> None:
    stake(staking, ann, 100)
    with reverts(f"StakingManager: {reason}"):
        staking.manager.invoke("unstake", amount, by=ann)


def test_strangers_have_nothing_to_take(staking: Staking, ann: Account, bob: Account) -> None:
    stake(staking, ann, 100)
    staking.reward(REWARD)
    staking.wait(STREAM_S)
    staking.manager.invoke("unstake", 100, by=ann)
    staking.wait(EXIT_S)
    for function, arguments, reason in (
        ("unstake", (1,), "not staked"),
        ("withdraw", (), "nothing leaves"),
        ("claim", (), "nothing earned"),
    ):
        with reverts(f"StakingManager: {reason}"):
            staking.manager.invoke(function, *arguments, by=bob)


def test_a_pause_stops_new_stakes_and_traps_nothing(staking: Staking, ann: Account) -> None:
    stake(staking, ann, 100)
    staking.reward(REWARD)
    staking.wait(60)
    staking.manager.invoke("pause", by=staking.fees.pauser)
    staking.arrive(1)
    with reverts("Pausable: paused"):
        stake(staking, ann, 1)
    with reverts("Pausable: paused"):
        staking.manager.invoke("collect")
    staking.manager.invoke("unstake", 100, by=ann)
    staking.wait(EXIT_S)
    claim(staking, ann)
    staking.manager.invoke("withdraw", by=ann)
    assert staking.astra.call("balance_of", ann.address) == WEALTH


def test_a_broken_reward_token_or_splitter_traps_no_stake(chain: Chain, staking: Staking, ann: Account) -> None:
    stake(staking, ann, 100)
    staking.reward(REWARD)
    change(chain, staking.manager, "set_splitter", 0x123)
    staking.fees.usd.invoke("set_paused", 1)
    with reverts("TestToken: paused"):
        claim(staking, ann)
    staking.manager.invoke("unstake", 100, by=ann)
    staking.wait(EXIT_S)
    staking.manager.invoke("withdraw", by=ann)
    assert staking.astra.call("balance_of", ann.address) == WEALTH
    staking.fees.usd.invoke("set_paused", 0)
    assert claim(staking, ann) > 0, "the rewards were not lost"


def test_the_largest_rewards_do_not_overflow(staking: Staking, ann: Account) -> None:
    stake(staking, ann, 1)
    staking.arrive(2**200)
    assert staking.manager.invoke("collect").one("RewardsCollected")["amount"] == FUNDED_MAX
    with reverts("StakingManager: nothing arrived"):
        staking.manager.invoke("collect")
    staking.wait(STREAM_S)
    assert claim(staking, ann) == FUNDED_MAX
    assert staking.manager.call("stream")["index"] == FUNDED_MAX * SCALE
    staking.manager.invoke("unstake", 1, by=ann)


@pytest.mark.parametrize("ignoring", [True, False], ids=["ignoring", "reverting"])
@pytest.mark.parametrize("reentry", ["claim", "collect", "withdraw"])
def test_nobody_is_paid_twice_by_calling_back(staking: Staking, ann: Account, reentry: str, ignoring: bool) -> None:
    stake(staking, ann, 100)
    staking.reward(REWARD)
    staking.wait(STREAM_S)
    staking.fees.usd.invoke("set_reentry", staking.manager.address, selector(reentry), [], ignoring)
    if ignoring:
        claim(staking, ann)
        assert (staking.fees.usd.call("reentries"), staking.rewards_of(ann)) == (0, REWARD)
    else:
        with reverts("ReentrancyGuard: reentrant call"):
            claim(staking, ann)


def test_another_splitter_takes_an_announcement(chain: Chain, staking: Staking) -> None:
    for account in (staking.fees.owner, staking.fees.stranger):
        with reverts("Timelock: only when announced"):
            staking.manager.invoke("set_splitter", 0x123, by=account)
    with chain.rolled_back(), reverts("StakingManager: no splitter"):
        change(chain, staking.manager, "set_splitter", 0)
    assert change(chain, staking.manager, "set_splitter", 0x123).one("SplitterChanged")["splitter"] == 0x123
    assert staking.manager.call("splitter") == 0x123


def test_constructors_refuse_wrong_addresses(chain: Chain, staking: Staking) -> None:
    token = "StakingManager: token"
    reasons = ("Ownable: owner is zero", "Roles: account is zero", f"{token} is zero", f"{token} is zero")
    for place, reason in enumerate((*reasons, "StakingManager: no splitter")):
        arguments = [0 if i == place else 0x100 + i for i in range(5)]
        with chain.rolled_back(), reverts(reason):
            chain.deploy("StakingManager", *arguments)
    with chain.rolled_back(), reverts("StakingManager: same token"):
        chain.deploy("StakingManager", 1, 2, 3, 3, 4)
    assert staking.manager.call("stake_token") == staking.astra.address
    assert staking.manager.call("reward_token") == staking.fees.usd.address
