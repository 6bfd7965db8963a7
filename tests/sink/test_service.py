"""The sink's process: what it refuses, what it waits for, and how it ends."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
from faust_redis.log import Log
from faust_redis.log.services import Services

from contracts.indexer.addresses import padded
from deploy.errors import SettingsError
from deploy.run.sink import run_sink
from deploy.settings import Settings, load
from streams.services import Kind
from tests.settlement.test_service import PASSWORD, keystore_of
from tests.support.indexer_process import indexer_process

WITHIN_S = 60


def test_a_sink_without_an_account_or_contracts_says_so(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="ASTRA_SINK_ACCOUNT"):
        run_sink(load(data_dir=tmp_path))
    needed: dict[str, Any] = {
        "sink_account": "0x2c",
        "sink_keystore": keystore_of(tmp_path, 77),
        "sink_password": PASSWORD,
    }
    with pytest.raises(SettingsError, match="ASTRA_STARKNET_NODE_URL"):
        run_sink(Settings(**needed, data_dir=tmp_path))
    with pytest.raises(SettingsError, match="one each of GenesisNFT"):
        run_sink(Settings(**needed, data_dir=tmp_path, starknet_node_url="http://127.0.0.1:9"))


def test_the_account_of_the_sink_is_one_address() -> None:
    assert Settings(sink_account="0x2C").sink_account == padded(0x2C)
    for text in ("0x5,FeeSplitter:0x6", "0x5@7", "44", "0x0"):
        with pytest.raises(ValueError, match="no address of a contract"):
            Settings(sink_account=text)


@pytest.mark.heavy
async def test_the_sink_waits_for_its_node(log: Log, broker_url: str, namespace: str, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(PASSWORD)
    environment = {
        "ASTRA_BROKER_URL": broker_url, "ASTRA_NAMESPACE": namespace, "ASTRA_DATA_DIR": str(tmp_path),
        "ASTRA_STARKNET_NODE_URL": "http://key:secret@127.0.0.1:9/rpc",
        "ASTRA_INDEXER_CONTRACTS": "GenesisNFT:0x2a,Reputation:0x2b,Paymaster:0x2d", "ASTRA_SINK_ACCOUNT": "0x2c",
        "ASTRA_SINK_KEYSTORE": str(keystore_of(tmp_path, 77)),
        "ASTRA_SINK_PASSWORD_FILE": str(tmp_path / "password"),
    }  # fmt: skip
    log_file = tmp_path / "sink.log"
    with indexer_process(environment, log_file, "sink") as process:
        async with asyncio.timeout(WITHIN_S):
            while not (live := await Services(log).live()):  # noqa: ASYNC110 - another process registers
                await asyncio.sleep(0.2)
        [service] = live
        assert service.description["kind"] == Kind.SINK
        async with httpx.AsyncClient(base_url=f"http://{service.description['address']}") as client:
            assert (await client.get("/livez")).status_code == 200
            ready = await client.get("/readyz")
            assert (ready.status_code, ready.json()["status"]) == (503, "waits")
            assert "astra_sink_working 0.0" in (await client.get("/metrics")).text
        assert process.ends() == 0
    output = log_file.read_text("utf-8")
    assert "secret" not in output
    assert PASSWORD not in output
