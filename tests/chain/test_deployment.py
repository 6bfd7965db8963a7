"""All contracts are deployed by a plan, once, whatever is killed, and checked against it."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner
from starknet_py.net.signer.key_pair import KeyPair

from contracts.account.account import Account
from contracts.account.signer import KeystoreSigner
from contracts.deployment.plan import DeploymentError, Plan, Planned, parse, planned
from contracts.deployment.steps import carry_out, steps_of
from contracts.deployment.verification import verified
from contracts.indexer.addresses import padded
from contracts.indexer.node import Node
from deploy.cli.main import cli
from tests.chain.deployed import Deployed, committed
from tests.chain.fees import TREASURY, Fees, announce, change, shares
from tests.chain.indexing import CHAIN_ID
from tests.settlement.test_service import PASSWORD, keystore_of

WITHIN_S = 60
DOCS = Path(__file__).parents[2] / "docs"


def nonce(fees: Fees) -> int:
    asked = {"block_id": "latest", "contract_address": hex(fees.stranger.address)}
    return int(fees.chain.node.ask("starknet_getNonce", **asked), 16)


def text_of(fees: Fees, *, salt: int = 9) -> str:
    """Return a plan with every contract: the stranger deploys for the owner."""
    return f"""
deployer = "{hex(fees.stranger.address)}"
owner = "{hex(fees.owner.address)}"
pauser = "{hex(fees.pauser.address)}"
settler = "{hex(fees.settler.address)}"
token = "{hex(fees.usd.address)}"
salt = {salt}

[[shares]]
to = "{hex(TREASURY)}"
ppm = 600_000
[[shares]]
to = "Paymaster"
ppm = 250_000
[[shares]]
to = "StakingManager"
ppm = 150_000

[astra]
supply = 1_000_000_000_000_000_000_000_000_000
recipient = "{hex(TREASURY)}"

[staking]

[paymaster]
sponsor = "{hex(fees.settler.address)}"
recorder = "{hex(fees.settler.address)}"
max_price = 1_000_000

[genesis]
minter = "{hex(fees.settler.address)}"

[oracle]
feeder = "{hex(fees.settler.address)}"
price = {10**24}

[lending]
supply_cap = 1_000_000_000_000
borrow_cap = 800_000_000_000
min_debt = 10_000_000
"""


@pytest.fixture
def plan(fees: Fees) -> Plan:
    return parse(text_of(fees))


@asynccontextmanager
async def deployer(fees: Fees) -> AsyncIterator[tuple[Node, Account]]:
    node = Node(fees.chain.node.url)
    keys = KeystoreSigner(KeyPair.from_private_key(fees.stranger.signer.private_key))
    try:
        yield node, Account(node, fees.stranger.address, CHAIN_ID, keys)
    finally:
        await node.close()


async def deploy(fees: Fees, plan: Plan) -> list[str]:
    """Carry the plan out, and return the steps."""
    async with deployer(fees) as (node, account):
        return [step.text async for step, _ in carry_out(account, await steps_of(node, plan))]


def accept(fees: Fees, plan: Plan) -> None:
    for contract in planned(plan):
        if contract.name != "AstraToken":
            at(fees, contract).invoke("accept_ownership", by=fees.owner)


def at(fees: Fees, contract: Planned) -> Deployed:
    return Deployed(fees.chain.node, contract.address, committed(contract.name), fees.owner)


async def faults(fees: Fees, plan: Plan) -> list[str]:
    async with deployer(fees) as (node, _):
        return [f"{check.text}: {check.fault}" for check in await verified(node, plan) if check.fault]


@pytest.mark.heavy
async def test_a_deployment_that_is_killed_after_any_step_is_continued(fees: Fees, plan: Plan) -> None:
    async with deployer(fees) as (node, account):
        first, expected = await account.nonce(), await steps_of(node, plan)
        names = [contract.name for contract in planned(plan)]
        assert [step.text.split()[1] for step in expected if step.text.startswith("deploy ")] == names
        for done in range(len(expected)):
            todo = await steps_of(node, plan)
            assert todo == expected[done:], "no step is repeated"
            assert [step async for step, _ in carry_out(account, todo[:1])] == todo[:1]
        assert await steps_of(node, plan) == []
        assert await account.nonce() - first == len(expected)
    assert len(await faults(fees, plan)) == len(names) - 1, "the owner has not accepted"
    accept(fees, plan)
    assert await faults(fees, plan) == []
    assert await deploy(fees, plan) == []
    found = {contract.name: at(fees, contract) for contract in planned(plan)}
    fees.usd.invoke("mint", found["FeeSplitter"].address, 1_000)
    found["FeeSplitter"].invoke("distribute")
    beneficiaries = (TREASURY, found["Paymaster"].address, found["StakingManager"].address)
    assert [fees.balance(each) for each in beneficiaries] == [600, 250, 150]


@pytest.fixture
def environment(fees: Fees, plan: Plan, tmp_path: Path) -> dict[str, str]:
    (tmp_path / "password").write_text(PASSWORD)
    (tmp_path / "plan.toml").write_text(text_of(fees))
    listed = {contract.name: padded(contract.address) for contract in planned(plan)}
    return {
        "ASTRA_DATA_DIR": str(tmp_path), "ASTRA_STARKNET_NODE_URL": fees.chain.node.url,
        "ASTRA_STARKNET_CHAIN_ID": CHAIN_ID, "ASTRA_SETTLEMENT_PASSWORD_FILE": str(tmp_path / "password"),
        "ASTRA_INDEXER_CONTRACTS": ",".join(f"{name}:{listed[name]}" for name in ("FeeSplitter", "FeeCollector")),
    }  # fmt: skip


def arguments(fees: Fees, folder: Path, command: str, private_key: int) -> list[str]:
    keystore = keystore_of(folder, private_key)
    return ["chain", command, "--plan", str(folder / "plan.toml"), "--keystore", str(keystore), "--yes"]


@pytest.fixture
def killed(fees: Fees, environment: dict[str, str], tmp_path: Path) -> int:
    """Kill the command once a few of its transactions are in blocks, and return how many there were."""
    command = arguments(fees, tmp_path, "deploy", fees.stranger.signer.private_key)
    first = nonce(fees)
    process = subprocess.Popen([sys.executable, "-m", "deploy.cli.main", *command], env=os.environ | environment)
    until = time.monotonic() + WITHIN_S
    while nonce(fees) < first + 4 and time.monotonic() < until:
        time.sleep(0.02)
    process.kill()
    process.wait()
    return nonce(fees) - first


@pytest.mark.heavy
async def test_the_command_is_killed_and_continues(
    fees: Fees, killed: int, environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    async def run(*command: str) -> str:
        found = await asyncio.to_thread(CliRunner().invoke, cli, command, catch_exceptions=False)
        assert found.exit_code == 0, found.output
        return found.output

    assert killed >= 4
    output = await run(*arguments(fees, tmp_path, "deploy", fees.stranger.signer.private_key))
    assert "AstraToken" not in output.partition("done")[0], "it was deployed before the kill"
    assert f"ASTRA_INDEXER_CONTRACTS={environment['ASTRA_INDEXER_CONTRACTS']}" in output
    accepted = await run(*arguments(fees, tmp_path, "accept", fees.owner.signer.private_key))
    assert "accept the ownership of FeeSplitter, FeeCollector, StakingManager, Paymaster, GenesisNFT, Price" in accepted
    assert "FAILS" not in await run("chain", "verify", "--plan", str(tmp_path / "plan.toml"))


@pytest.mark.heavy
async def test_what_is_not_as_planned_is_named(fees: Fees, plan: Plan) -> None:
    await deploy(fees, plan)
    accept(fees, plan)
    found = {contract.name: at(fees, contract) for contract in planned(plan)}
    splitter, collector, staking = (found[name] for name in ("FeeSplitter", "FeeCollector", "StakingManager"))
    collector.invoke("revoke_role", "SETTLER", fees.settler.address)
    change(fees.chain, collector, "grant_role", "SETTLER", fees.stranger.address)
    change(fees.chain, splitter, "set_shares", shares((TREASURY, 1_000_000)))
    change(fees.chain, staking, "set_splitter", 0x123)
    announce(splitter, "upgrade", 0xC1A55)
    found["GenesisNFT"].invoke("transfer_ownership", fees.stranger.address)
    said = "\n".join(await faults(fees, plan))
    for text in (
        f"{padded(fees.settler.address)} does not have SETTLER", f"{padded(fees.stranger.address)} has SETTLER, too",
        "FeeSplitter has no announced change: upgrade is announced",
        f"it is offered to {padded(fees.stranger.address)}",
        "FeeSplitter has the shares of the plan: it has ", f"it names {padded(0x123)}",
    ):  # fmt: skip
        assert text in said
    other = committed("GenesisNFT").class_hash
    change(fees.chain, found["Paymaster"], "upgrade", other)
    assert f"it has the class {hex(other)}" in "\n".join(await faults(fees, plan))


def test_the_plan_of_the_documentation_is_one() -> None:
    """The documentation shortens addresses."""
    text = (DOCS / "chain.md").read_text("utf-8")
    [shown] = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    names = [contract.name for contract in planned(parse(shown.replace("…", "")))]
    fees = ["FeeSplitter", "FeeCollector"]
    others = ["StakingManager", "Paymaster", "GenesisNFT", "PriceOracle", "LendingPool"]
    assert names == ["AstraToken", *fees, *others]


@pytest.mark.parametrize(("old", "new", "reason"), [
    ("ppm = 600_000", "ppm = 600_001", "add up to 1000001 ppm"),
    ('to = "Paymaster"', 'to = "StakingManager"', "two shares"),
    ("[oracle]", "[oracle2]", "unknown field `oracle2`"),
    ('to = "Paymaster"', 'to = "Treasury"', "no contract that the plan has before"),
    ("salt = 9", "salt = 9\nsettlers = 2", "unknown field `settlers`"),
    ("[staking]", '[staking]\nstake_token = "0x1"', "'0x1' is no address"),
    ("max_price", "maximum", "unknown field"),
])  # fmt: skip
def test_a_plan_with_a_fault_is_refused(fees: Fees, old: str, new: str, reason: str) -> None:
    with pytest.raises(DeploymentError, match=reason):
        parse(text_of(fees).replace(old, new))
