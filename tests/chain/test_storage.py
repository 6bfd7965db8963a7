"""Contracts keep their variables where the layout says, and an upgrade keeps what is in them."""

from __future__ import annotations

import os
import re

import pytest
from starknet_py.hash.storage import get_storage_var_address

from contracts.toolchain import artifacts, layout
from contracts.toolchain.compiler import contracts_of, find_compiler, read_sources
from tests.chain.conftest import GATE
from tests.chain.deployed import Chain, ContractClass, Deployed
from tests.chain.fees import PAYMASTER, STAKING, TREASURY, Fees, change, shares
from tests.chain.lending import ASTRA, MAX, USD, Lending

BENEFICIARIES = (TREASURY, PAYMASTER, STAKING)
DAY_S = 24 * 3600
INDEX_AT_FIRST = 10**27
FILE = "fee_splitter.cairo"
EPOCH = "        fn epoch(self: @ContractState) -> u64 {\n"
COUNT = "        fn count(self: @ContractState) -> u64 {\n            self.count.read()\n        }\n\n"
DISTRIBUTE = "        fn distribute(ref self: ContractState) {\n"
WITH_A_COUNT = (
    ("    fn epoch(self: @TState)", "    fn count(self: @TState) -> u64;\n    fn epoch(self: @TState)"),
    ("        epoch: u64,\n        /// Every", "        epoch: u64,\n        count: u64,\n        /// Every"),
    (EPOCH, COUNT + EPOCH),
    (DISTRIBUTE, f"{DISTRIBUTE}            self.count.write(self.count.read() + 1);\n"),
)
"""Add a variable that counts distributions."""
RENAMED = (
    ("released: Map<", "paid_out: Map<"),
    ("self.released.read", "self.paid_out.read"),
    ("self.released.write", "self.paid_out.write"),
)


def stored(contract: Deployed, name: str, kind: str, *keys: int) -> dict[str, int] | int:
    """Read a variable at the address of its name: a number, or the numbers of a struct."""
    read = (
        int(
            contract.node.ask(
                "starknet_getStorageAt", contract_address=hex(contract.address), key=hex(word), block_id="latest"
            ),
            16,
        )
        for word in range(get_storage_var_address(name, *keys), 2**251)
    )

    def number(written: str) -> int:
        return next(read) + (next(read) << 128 if written == "u256" else 0)

    members = re.findall(r"(\w+): (\w+)", kind)
    return {member: number(written) for member, written in members} if members else number(kind)


def test_a_pool_keeps_its_variables_where_the_layout_says(lending: Lending) -> None:
    lending.lend()
    lending.owe(100 * USD, 1000 * ASTRA)
    kinds, pool, bob = layout.read(artifacts.FOLDER)["LendingPool"], lending.pool, lending.bob.address
    for name, function in (
        ("collaterals", "collateral_of"),
        ("scaled_debts", "scaled_debt_of"),
        ("shares", "shares_of"),
    ):
        assert kinds[name] == "Map<ContractAddress, u256>"
        assert stored(pool, name, "u256", bob) == pool.call(function, bob)
    for name in ("asset", "oracle", "supply_cap", "min_debt", "total_collateral"):
        assert stored(pool, name, kinds[name]) == pool.call(name) > 0
    assert stored(pool, "Ownable_owner", "ContractAddress") == lending.owner.address
    lending.chain.node.advance(DAY_S)
    pool.invoke("repay", bob, MAX, by=lending.bob)  # without a debt, time changes nothing
    market = stored(pool, "market", kinds["market"])
    assert isinstance(market, dict)
    assert market["cash"] == lending.market()["cash"] > 100_000 * USD
    assert {**market, "updated_at": 0} == {**lending.market(), "updated_at": 0}
    assert market["index"] > INDEX_AT_FIRST
    assert market["reserves"] > 0


def used(fees: Fees) -> Fees:
    """Return contracts in their second epoch, with payments made and due."""
    fees.settle({"trading": 1_000_003})
    fees.collector.invoke("sweep_fees")
    fees.splitter.invoke("release", PAYMASTER)
    change(fees.chain, fees.splitter, "set_shares", shares((TREASURY, 900_000), (STAKING, 100_000)))
    fees.usd.invoke("mint", fees.splitter.address, 77)
    return fees


def state(splitter: Deployed) -> dict[str, object]:
    """Return everything that a splitter shows, besides the number of its last event."""
    names = ("token", "shares", "epoch", "total_received", "total_released", "owner", "pending_owner", "is_paused")
    of_each = {f"{name} {who:x}": splitter.call(name, who) for name in ("due", "released") for who in BENEFICIARIES}
    return {name: splitter.call(name) for name in names} | of_each


def upgraded(chain: Chain, splitter: Deployed, changes: tuple[tuple[str, str], ...]) -> Deployed:
    """Replace the code of a splitter by that of changed sources."""
    sources = read_sources()
    for text, other in changes:
        assert text in sources[FILE]
        sources[FILE] = sources[FILE].replace(text, other)
    compiler = find_compiler()
    if compiler is None:
        pytest.skip("no Cairo compiler is found; python3 deploy/bootstrap.py contracts builds it")
    contract = next(each for each in contracts_of(sources) if each.name == "FeeSplitter")
    new = ContractClass.compiled(*compiler.compile_once(contract, sources))
    chain.declare(new)
    change(chain, splitter, "upgrade", new.class_hash)
    return Deployed(splitter.node, splitter.address, new, splitter.deployer)


only_in_the_gate = pytest.mark.skipif(
    not os.environ.get(GATE), reason="python -m tests.chain runs this: it compiles a contract"
)


@only_in_the_gate
def test_an_upgrade_with_another_variable_keeps_balances_and_shares(chain: Chain, fees: Fees) -> None:
    before, balances = state(used(fees).splitter), [fees.balance(who) for who in BENEFICIARIES]
    assert before["total_released"] == 250_000
    assert before[f"due {TREASURY:x}"] == 600_003 + 70
    after = upgraded(chain, fees.splitter, WITH_A_COUNT)
    assert state(after) == before
    assert [fees.balance(who) for who in BENEFICIARIES] == balances
    assert after.call("count") == 0
    after.invoke("distribute")
    assert after.call("count") == 1
    assert fees.balance(TREASURY) == 600_003 + 70
    assert after.call("total_received") == after.call("total_released") + fees.balance(after.address)
    numbers = [event["sequence"] for event in after.events()]
    assert numbers == list(range(1, after.call("sequence") + 1))


@only_in_the_gate
def test_a_renamed_variable_would_be_forgotten(chain: Chain, fees: Fees) -> None:
    """Show what the layout guards against: the paymaster would be paid again."""
    assert state(used(fees).splitter)[f"due {PAYMASTER:x}"] == 0
    after = upgraded(chain, fees.splitter, RENAMED)
    assert after.call("due", PAYMASTER) == 250_000
