"""Processes and node are killed while blocks are replaced: each fee arrives once, to the unit, from trade to chain."""

from __future__ import annotations

import os
from pathlib import Path
from typing import get_args

import pytest
from click.testing import CliRunner

from deploy.cli.main import cli
from tests.chain.conftest import GATE
from tests.chain.indexing import CHAIN_ID
from tests.chain.killed_node import killed_node
from tests.chain.kills_plan import SERVICES, SETTLEMENTS, WORKERS, Act, Kill, plan
from tests.chain.kills_run import Base, play

SEEDS = range(50 if os.environ.get(GATE) else 1)
PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Base:
    """Deploy the contracts once, as `astratrade chain devnet` does, and note the chain."""
    folder = tmp_path_factory.mktemp("contracts")
    password, settler, minter = (folder / name for name in ("password", "settler.json", "minter.json"))
    password.write_text(PASSWORD)
    settings = {"ASTRA_STARKNET_CHAIN_ID": CHAIN_ID, "ASTRA_SETTLEMENT_PASSWORD_FILE": str(password)}
    with killed_node(folder) as (node, _):
        environment = settings | {"ASTRA_STARKNET_NODE_URL": node.url, "ASTRA_DATA_DIR": str(folder)}
        options = ("--keystore", str(settler), "--sink-keystore", str(minter))
        found = CliRunner().invoke(cli, ["chain", "devnet", *options], env=environment, catch_exceptions=False)
        assert found.exit_code == 0, found.output
        node.note()
    printed = dict(line.split("=", 1) for line in found.output.splitlines() if line.startswith("ASTRA_"))
    keys = {"ASTRA_SETTLEMENT_KEYSTORE": str(settler), "ASTRA_SINK_KEYSTORE": str(minter)}
    return Base(folder / "noted", settings | printed | keys | {"ASTRA_SINK_PASSWORD_FILE": str(password)})


@pytest.mark.heavy
@pytest.mark.parametrize("seed", SEEDS)
def test_all_that_users_did_arrives_once(base: Base, tmp_path: Path, seed: int) -> None:
    play(seed, base, tmp_path)


def test_each_seed_has_each_kind_of_act_and_kills_each_kind_of_service() -> None:
    for seed in SEEDS:
        acts = [step.act for step in plan(seed)]
        assert {type(act) for act in acts} == set(get_args(Act))
        killed = {act.service for act in acts if isinstance(act, Kill)}
        assert {service for service in SERVICES if service not in WORKERS + SETTLEMENTS} <= killed
        assert killed & set(WORKERS)
        assert killed & set(SETTLEMENTS)
        assert plan(seed) == plan(seed)
