"""The settlement process: what it refuses, what it waits for, and how it ends."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import pytest
from eth_keyfile.keyfile import create_keyfile_json
from faust_redis.log import Log
from faust_redis.log.services import Services

from contracts.account.errors import SignerError
from contracts.account.signer import KeystoreSigner
from deploy.errors import SettingsError
from deploy.run.settlement import run_settlement
from deploy.settings import load
from streams.services import Kind
from tests.support.indexer_process import indexer_process

WITHIN_S = 60
PASSWORD = "correct horse"


def keystore_of(folder: Path, private_key: int) -> Path:
    path = folder / "settler.json"
    made = create_keyfile_json(private_key.to_bytes(32, "big"), PASSWORD.encode(), iterations=2)
    path.write_text(json.dumps(made))
    return path


def test_a_settlement_without_an_account_says_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="ASTRA_SETTLEMENT_ACCOUNT"):
        run_settlement(load(data_dir=tmp_path))


async def test_a_keystore_opens_with_its_password_alone(tmp_path: Path) -> None:
    signer = KeystoreSigner.open(keystore_of(tmp_path, 77), PASSWORD)
    assert len(await signer.sign(1234)) == 2
    with pytest.raises(SignerError, match="password is wrong"):
        KeystoreSigner.open(tmp_path / "settler.json", "wrong")
    with pytest.raises(SignerError, match="No such file"):
        KeystoreSigner.open(tmp_path / "absent.json", PASSWORD)


@pytest.mark.heavy
async def test_the_settlement_process_waits_for_its_node(
    log: Log, broker_url: str, namespace: str, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text(PASSWORD)
    environment = {
        "ASTRA_BROKER_URL": broker_url, "ASTRA_NAMESPACE": namespace, "ASTRA_DATA_DIR": str(tmp_path),
        "ASTRA_STARKNET_NODE_URL": "http://key:secret@127.0.0.1:9/rpc",
        "ASTRA_INDEXER_CONTRACTS": "FeeCollector:0x2a,FeeSplitter:0x2b", "ASTRA_SETTLEMENT_ACCOUNT": "0x2c",
        "ASTRA_SETTLEMENT_KEYSTORE": str(keystore_of(tmp_path, 77)),
        "ASTRA_SETTLEMENT_PASSWORD_FILE": str(tmp_path / "password"),
    }  # fmt: skip
    log_file = tmp_path / "settlement.log"
    with indexer_process(environment, log_file, "settlement") as process:
        async with asyncio.timeout(WITHIN_S):
            while not (live := await Services(log).live()):  # noqa: ASYNC110 - another process registers
                await asyncio.sleep(0.2)
        [service] = live
        assert service.description["kind"] == Kind.SETTLEMENT
        async with httpx.AsyncClient(base_url=f"http://{service.description['address']}") as client:
            assert (await client.get("/livez")).status_code == 200
            ready = await client.get("/readyz")
            assert ready.status_code == 503
            assert ready.json()["waits_for"] == "node"
            metrics = (await client.get("/metrics")).text
            assert "astra_settlement_settling 0.0" in metrics
            assert 'astra_settlement_waits{reason="node"} 1.0' in metrics
            assert 'astra_settlement_waits{reason="gas"} 0.0' in metrics
        assert process.ends() == 0
    output = log_file.read_text("utf-8")
    assert "secret" not in output
    assert PASSWORD not in output
