"""Faults that are planted in copies of the contracts, and the promise that each one breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from contracts.toolchain.compiler import Compiler, contracts_of, read_sources
from tests.chain import test_collector, test_fees_machine, test_governance, test_hostile_tokens, test_splitter
from tests.chain.deployed import Chain, ContractClass, Deployed
from tests.chain.fees import Fees

Promise = Callable[[Chain, Fees], object]


@dataclass(frozen=True)
class Fault:
    """A change of a source that compiles, and the test that must fail with it.

    Attributes:
        file: The source, from the folder of the contracts.
        text: What stands there once.
        planted: What stands there instead.
        contract: The contract to compile.
        promise: Run the test on contracts of which one has the fault.
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
}  # fmt: skip
