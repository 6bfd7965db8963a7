"""Faults that are planted in copies of the contracts, and the promise that each one breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from contracts.toolchain.compiler import Compiler, contracts_of, read_sources
from tests.chain import (
    test_collector,
    test_fees_machine,
    test_genesis_machine,
    test_genesis_nft,
    test_governance,
    test_hostile_tokens,
    test_paymaster,
    test_paymaster_machine,
    test_reputation,
    test_splitter,
    test_staking,
    test_staking_machine,
)
from tests.chain.deployed import Chain, ContractClass, Deployed
from tests.chain.fees import Fees
from tests.chain.lending import Lending
from tests.chain.sponsoring import Sponsoring
from tests.chain.staking import Staking

Promise = Callable[[Chain, Any], object]
DEPLOYED: Final[dict[str, Callable[[Chain, ContractClass | str], Any]]] = {
    "FeeSplitter": lambda chain, given: Fees.deploy(chain, splitter_class=given),
    "FeeCollector": lambda chain, given: Fees.deploy(chain, collector_class=given),
    "StakingManager": lambda chain, given: Staking.deploy(chain, Fees.deploy(chain), manager_class=given),
    "Paymaster": lambda chain, given: Sponsoring.deploy(chain, Fees.deploy(chain), paymaster_class=given),
    "Reputation": lambda chain, given: chain.deploy(given, chain.accounts[0].address),
    "GenesisNFT": lambda chain, given: chain.deploy(given, *(account.address for account in chain.accounts[:3])),
    "LendingPool": lambda chain, given: Lending.deploy(chain, pool_class=given).fresh(),
    "PriceOracle": lambda chain, given: Lending.deploy(chain, oracle_class=given).fresh(),
}
"""How a contract is deployed for its promise, as a class that has a fault or by its name."""


@dataclass(frozen=True)
class Fault:
    """A change of a source that compiles, and the test that must fail with it.

    Attributes:
        file: The source, from the folder of the contracts.
        text: What stands there once.
        planted: What stands there instead.
        contract: The contract to compile.
        promise: Run the test on what `DEPLOYED` makes of the contract with the fault.
    """

    file: str
    text: str
    planted: str
    contract: str
    promise: Promise

    def compile(self, compiler: Compiler) -> ContractClass:
        sources = read_sources()
        assert sources[self.file].count(self.text) == 1, f"the fault of {self.file} does not fit its source"
        sources[self.file] = sources[self.file].replace(self.text, self.planted)
        contract = next(each for each in contracts_of(sources) if each.name == self.contract)
        return ContractClass.compiled(*compiler.compile_once(contract, sources))


def _machine(chain: Chain, fees: Fees) -> None:
    test_fees_machine.run_fees(chain, fees, shrink=False)


def _calling_back(_: Chain, fees: Fees) -> None:
    test_hostile_tokens.test_nobody_is_paid_twice_by_calling_back(fees, "release", "release", ignoring=True)


def _staking_machine(_: Chain, staking: Staking) -> None:
    test_staking_machine.run_staking(staking, shrink=False)


def _paymaster_machine(_: Chain, sponsoring: Sponsoring) -> None:
    test_paymaster_machine.run_paymaster(sponsoring, shrink=False)


def _genesis_machine(chain: Chain, genesis: Deployed) -> None:
    test_genesis_machine.run_genesis(chain, genesis, shrink=False)


def _funded(sponsoring: Sponsoring) -> Sponsoring:
    sponsoring.fund(1_000_000)
    sponsoring.record(test_paymaster.ANN, 0)
    return sponsoring


def _waiting(contract: Callable[[Fees], Deployed]) -> Promise:
    return lambda chain, fees: test_governance.test_an_announcement_waits_48_hours_and_is_executed_once(
        chain, fees, contract(fees)
    )


FAULTS: Final = {
    "rounding up": Fault(
        "fee_splitter.cairo", "PPM.into(), Rounding::Down)", "PPM.into(), Rounding::Up)", "FeeSplitter", _machine
    ),
    "a remainder that is kept": Fault(
        "fee_splitter.cairo", "received - others\n", "own + (others - others)\n", "FeeSplitter", _machine
    ),
    "missing guard": Fault(
        "shared/guard.cairo",
        "assert(!self.ReentrancyGuard_entered.read(), 'ReentrancyGuard: reentrant call');",
        "",
        "FeeSplitter",
        _calling_back,
    ),
    "donation counted": Fault(
        "fee_collector.cairo",
        "min(balance, self.total_settled.read() - self.total_swept.read())",
        "min(balance, balance)",
        "FeeCollector",
        _machine,
    ),
    "skipped timelock": Fault(
        "shared/timelock.cairo",
        "assert(get_block_timestamp() >= ready_at, 'Timelock: too early');",
        "get_block_timestamp();",
        "FeeCollector",
        _waiting(lambda fees: fees.collector),
    ),
    "a change without an announcement": Fault(
        "fee_splitter.cairo",
        "fn set_shares(ref self: ContractState, shares: Span<Share>) {\n            assert_self_called();",
        "fn set_shares(ref self: ContractState, shares: Span<Share>) {\n            self.ownable.assert_owner();",
        "FeeSplitter",
        test_splitter.test_shares_change_only_48_hours_after_their_announcement,
    ),
    "first shares that anyone sets": Fault(
        "fee_splitter.cairo",
        "self.ownable.assert_owner();\n            assert(self.epoch.read() == 0, 'FeeSplitter: has shares');",
        "assert(self.epoch.read() == 0, 'FeeSplitter: has shares');",
        "FeeSplitter",
        test_splitter.test_the_owner_sets_the_first_shares_once,
    ),
    "first shares that are set again": Fault(
        "fee_splitter.cairo", "assert(self.epoch.read() == 0, 'FeeSplitter: has shares');", "", "FeeSplitter",
        test_splitter.test_the_owner_sets_the_first_shares_once,
    ),
    "a treasury at address zero": Fault(
        "fee_splitter.cairo", " && beneficiary.is_non_zero()", "", "FeeSplitter",
        test_splitter.test_the_owner_sets_the_first_shares_once,
    ),
    "replayed batch": Fault(
        "fee_collector.cairo", "assert(batch == last + 1,", "assert(batch <= last + 1,", "FeeCollector", _machine
    ),
    "a batch without its predecessor": Fault(
        "fee_collector.cairo",
        "assert(previous_hash == self.batch_hashes.read(last), 'FeeCollector: previous hash');",
        "",
        "FeeCollector",
        lambda _, fees: test_collector.test_a_batch_is_settled_once_and_in_order(fees),
    ),
    "an amount that does not arrive": Fault(
        "shared/safe_erc20.cairo",
        "assert(balance_of(token, recipient) == before + amount, 'ERC20: another amount arrived');",
        "assert(balance_of(token, recipient) >= before, 'ERC20: another amount arrived');",
        "FeeCollector",
        lambda _, fees: test_hostile_tokens.test_a_batch_that_loses_a_fee_on_its_way_is_refused(fees),
    ),
    "a pause that traps": Fault(
        "fee_splitter.cairo",
        "fn release(ref self: ContractState, beneficiary: ContractAddress) -> u256 {",
        "fn release(ref self: ContractState, beneficiary: ContractAddress) -> u256 {\n"
        "            self.pausable.assert_not_paused();",
        "FeeSplitter",
        lambda _, fees: test_splitter.test_a_pause_stops_distribute_and_keeps_nobody_from_what_is_due(fees),
    ),
    "an epoch that is forgotten": Fault(
        "fee_splitter.cairo", "self.close_epoch();", "self.received_before.write(self.total_received());",
        "FeeSplitter", _machine,
    ),
    "anyone settles": Fault(
        "fee_collector.cairo", "self.roles.assert_role(SETTLER);", "", "FeeCollector",
        lambda _, fees: test_collector.test_only_the_settler_settles(fees),
    ),
    "a reward that is rounded up": Fault(
        "staking_manager.cairo", "let amount = earned / SCALE;", "let amount = (earned + SCALE - 1) / SCALE;",
        "StakingManager", _staking_machine,
    ),
    "a stake that earns what was before it": Fault(
        "staking_manager.cairo",
        "self.settle(account);\n            let total_staked",
        "self.advance();\n            let total_staked",
        "StakingManager", _staking_machine,
    ),
    "an exit that goes on earning": Fault(
        "staking_manager.cairo", "self.staked.write(account, staked);\n            self.total_staked.write(self",
        "self.staked.write(account, before);\n            self.total_staked.write(self",
        "StakingManager", _staking_machine,
    ),
    "rewards that accrue to nobody": Fault(
        "staking_manager.cairo",
        "return Stream { updated_at: now, ..stream };",
        "return Stream { updated_at: now, elapsed_s: stream.elapsed_s + now - stream.updated_at, ..stream };",
        "StakingManager", _staking_machine,
    ),
    "a carry that is dropped": Fault(
        "staking_manager.cairo", "let shared = released - stream.released + stream.carry;",
        "let shared = released - stream.released;", "StakingManager",
        lambda _, staking: test_staking.test_calling_often_loses_nothing_of_the_largest_stake(
            staking, staking.stakers[0]
        ),
    ),
    "a stream that a unit stretches": Fault(
        "staking_manager.cairo", "if stream.released == stream.amount * SCALE && waiting > 0 {",
        "if waiting > 0 {", "StakingManager", _staking_machine,
    ),
    "rewards that are counted twice": Fault(
        "staking_manager.cairo", "let held = funded - self.total_claimed.read();",
        "let held = funded - funded;", "StakingManager", _staking_machine,
    ),
    "an exit without its window": Fault(
        "staking_manager.cairo", "assert(get_block_timestamp() >= exit.ready_at, 'StakingManager: too early');", "",
        "StakingManager", _staking_machine,
    ),
    "a second exit that does not wait": Fault(
        "staking_manager.cairo", "let ready_at = get_block_timestamp() + EXIT_S;",
        "let first = self.exits.read(account).ready_at;\n"
        "            let ready_at = if first == 0 { get_block_timestamp() + EXIT_S } else { first };",
        "StakingManager",
        lambda _, staking: test_staking.test_a_second_exit_joins_the_first_and_waits_again(
            staking, staking.stakers[0]
        ),
    ),
    "a collection during a claim": Fault(
        "shared/guard.cairo",
        "assert(!self.ReentrancyGuard_entered.read(), 'ReentrancyGuard: reentrant call');", "", "StakingManager",
        lambda _, staking: test_staking.test_nobody_is_paid_twice_by_calling_back(
            staking, staking.stakers[0], "collect", ignoring=True
        ),
    ),
    "a pause that traps stakes": Fault(
        "staking_manager.cairo", "fn withdraw(ref self: ContractState) -> u256 {",
        "fn withdraw(ref self: ContractState) -> u256 {\n            self.pausable.assert_not_paused();",
        "StakingManager", _staking_machine,
    ),
    "gifts that are spent": Fault(
        "paymaster.cairo", "assert(spent <= self.total_funded.read(), 'Paymaster: not funded');", "",
        "Paymaster", _paymaster_machine,
    ),
    "an allowance that never ends": Fault(
        "paymaster.cairo", "Usage { day: today(), gas: used }", "Usage { day: today(), gas }",
        "Paymaster", _paymaster_machine,
    ),
    "an allowance that never returns": Fault(
        "paymaster.cairo", "if usage.day == today() {", "if usage.day <= today() {", "Paymaster", _paymaster_machine,
    ),
    "a request that is paid twice": Fault(
        "paymaster.cairo", "self.sponsored.write(request, true);", "", "Paymaster", _paymaster_machine,
    ),
    "a cost that is rounded up": Fault(
        "paymaster.cairo", "GAS_PRICED, Rounding::Down)", "GAS_PRICED, Rounding::Up)", "Paymaster",
        _paymaster_machine,
    ),
    "anyone raises reputation": Fault(
        "paymaster.cairo", "self.roles.assert_role(RECORDER);", "", "Paymaster",
        lambda _, sponsoring: test_paymaster.test_each_role_does_its_own(_funded(sponsoring)),
    ),
    "anyone writes reputation": Fault(
        "reputation.cairo",
        "assert(get_caller_address() == self.paymaster.read(), 'Reputation: not the paymaster');",
        "get_caller_address();", "Reputation", test_reputation.test_only_the_paymaster_writes,
    ),
    "experience that falls": Fault(
        "reputation.cairo", "assert(experience > self.experience.read(account), 'Reputation: not higher');",
        "self.experience.read(account);", "Reputation",
        lambda _, reputation: test_reputation.test_experience_never_falls_and_is_not_recorded_twice(reputation, 6),
    ),
    "a second token of a type": Fault(
        "genesis_nft.cairo", "assert(self.tokens.read((user, kind)) == 0, 'GenesisNFT: already minted');", "",
        "GenesisNFT", _genesis_machine,
    ),
    "a request that is minted twice": Fault(
        "genesis_nft.cairo", "assert(self.requests.read(request) == 0, 'GenesisNFT: request was minted');", "",
        "GenesisNFT", _genesis_machine,
    ),
    "anyone mints": Fault(
        "genesis_nft.cairo", "self.roles.assert_role(MINTER);", "", "GenesisNFT",
        test_genesis_nft.test_only_the_minter_mints,
    ),
    "an approval that stays": Fault(
        "shared/erc721.cairo", "self.ERC721_approved.write(token_id, Zero::zero());", "", "GenesisNFT",
        _genesis_machine,
    ),
    "a token that is taken from another": Fault(
        "shared/erc721.cairo", "assert(from == owner, 'ERC721: not the owner');", "", "GenesisNFT", _genesis_machine,
    ),
}  # fmt: skip
