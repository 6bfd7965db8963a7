"""`astratrade chain devnet` puts the contracts on a devnet, at the addresses that the chart and compose name."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from contracts.account.signer import KeystoreSigner
from deploy.cli.main import cli
from deploy.errors import DeployError
from tests.chain.deployed import Chain
from tests.chain.indexing import CHAIN_ID
from tests.chain.killed_node import KilledNode, killed_node
from tests.devnet_addresses import ACCOUNTS, settings
from tests.e2e.waiting import eventually
from tests.source import ROOT
from tests.support.starknet import node

PASSWORD = "correct horse"
SOME_BLOCKS = 6


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "password").write_text(PASSWORD)
    monkeypatch.setenv("ASTRA_DATA_DIR", str(tmp_path))
    monkeypatch.setenv("ASTRA_STARKNET_CHAIN_ID", CHAIN_ID)
    monkeypatch.setenv("ASTRA_SETTLEMENT_PASSWORD_FILE", str(tmp_path / "password"))


def run(*options: str) -> str:
    found = CliRunner().invoke(cli, ["chain", "devnet", *options], catch_exceptions=False)
    assert found.exit_code == 0, found.output
    return found.output


@pytest.mark.usefixtures("environment")
@pytest.mark.heavy
def test_a_devnet_is_set_up_once(chain: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASTRA_STARKNET_NODE_URL", chain.node.url)
    assert tuple(account.address for account in chain.accounts[: len(ACCOUNTS)]) == ACCOUNTS
    keystores = [tmp_path / "settler.json", tmp_path / "minter.json"]
    with chain.rolled_back():
        first = run("--keystore", str(keystores[0]), "--sink-keystore", str(keystores[1]))
        assert "deploy FeeCollector at 0x" in first
        height = chain.node.height()
        again = run()
        assert chain.node.height() == height, "nothing is done twice"
    wanted = [f"{name}={value}" for name, value in settings().items()]
    assert again.splitlines() == wanted == first.splitlines()[-len(wanted) :]
    for keystore, account in zip(keystores, chain.accounts[2:4], strict=True):
        assert KeystoreSigner.open(keystore, PASSWORD).public_key == account.signer.public_key


@pytest.mark.heavy
@pytest.mark.usefixtures("environment")
def test_a_killed_devnet_keeps_accounts_and_contracts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With compose's options, it is killed while the contracts are deployed, and once more afterwards."""
    with killed_node(tmp_path, *composed()) as (killed, chain):
        monkeypatch.setenv("ASTRA_STARKNET_NODE_URL", killed.url)
        command = [sys.executable, "-m", "deploy.cli.main", "chain", "devnet"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as deploying:
            eventually(lambda: chain.node.height() >= SOME_BLOCKS, within_s=120, what="some blocks")
            restart(killed, chain)
        assert deploying.returncode == 1, "the node did not answer"
        assert chain.node.height() >= SOME_BLOCKS
        run()
        height, state = chain.node.height(), chain_state(chain)
        restart(killed, chain)
        assert chain.node.height() >= height
        assert chain_state(chain) == state
        assert run().splitlines() == [f"{name}={value}" for name, value in settings().items()], "nothing is done again"
        assert chain_state(chain) == state


def composed() -> list[str]:
    """Return the options of compose's devnet, but for its addresses."""
    service = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text("utf-8"))["services"]["devnet"]
    return [option for option in service["command"] if not option.startswith(("--host", "--port", "--dump-path"))]


def restart(killed: KilledNode, chain: Chain) -> None:
    """Kill the node and start it again."""
    killed.kill()
    chain.node.close()
    killed.start()


def chain_state(chain: Chain) -> tuple[list[Any], list[Any]]:
    """Return the number of each account's next transaction, and the class of each contract."""
    accounts = [hex(account.address) for account in chain.accounts]
    contracts = [named.partition(":")[2] for named in settings()["ASTRA_INDEXER_CONTRACTS"].split(",")]
    at = {"block_id": "latest"}
    nonces = [chain.node.ask("starknet_getNonce", contract_address=address, **at) for address in accounts]
    classes = [chain.node.ask("starknet_getClassHashAt", contract_address=address, **at) for address in contracts]
    return nonces, classes


@pytest.mark.usefixtures("environment")
def test_another_node_is_no_devnet(monkeypatch: pytest.MonkeyPatch) -> None:
    with node() as other:
        monkeypatch.setenv("ASTRA_STARKNET_NODE_URL", other.url)
        with pytest.raises(DeployError, match="is no starknet-devnet"):
            run()
