"""The processes export the metrics that docs/observability.md lists, no more and no fewer."""

from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from streams.process_metrics import MAIN
from tables.domains import TOPOLOGY
from tests.docs.metrics_table import PROCESS_OWN, PROCESSES, Family, declared
from tests.e2e.pipeline import Pipeline
from tests.e2e.waiting import eventually
from tests.ports import free_port
from tests.settlement.test_service import PASSWORD, keystore_of

STARTED_S = 60.0
COMMANDS = {"gateway": ("api", "METRICS"), "worker": ("worker", "WORKER")} | {
    name: (name, name.upper()) for name in ("relay", "clock", "webhooks", "indexer", "settlement", "sink", "archive")
}
NAMES = ("FeeCollector", "FeeSplitter", "GenesisNFT", "Reputation", "Paymaster")
CONTRACTS = {name: hex(number) for number, name in enumerate(NAMES, 0x2A)}


def chain(folder: Path) -> dict[str, str]:
    """Return settings with a node that is away: the services wait for it, and export their metrics."""
    (folder / "password").write_text(PASSWORD)
    keystore = str(keystore_of(folder, 77))
    accounts = {
        f"ASTRA_{service}_{name}": value
        for service in ("SETTLEMENT", "SINK")
        for name, value in (("ACCOUNT", "0x55"), ("KEYSTORE", keystore), ("PASSWORD_FILE", str(folder / "password")))
    }
    contracts = ",".join(f"{name}:{address}" for name, address in CONTRACTS.items())
    places = {"ASTRA_INDEXER_CONTRACTS": contracts, "ASTRA_ARCHIVE": str(folder / "archive")}
    return accounts | places | {"ASTRA_STARKNET_NODE_URL": "http://127.0.0.1:9"}


def exported(port: int) -> set[tuple[str, str]] | None:
    """Return the names and types of what a process exports; None while it does not answer."""
    try:
        text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, verify=False).text
    except httpx.TransportError:
        return None
    return {
        (f"{family.name}_total" if family.type == "counter" else family.name, family.type)
        for family in text_string_to_metric_families(text)
        if not family.name.startswith(PROCESS_OWN)
    }


def measured_loops(port: int) -> set[str]:
    """Return the event loops whose delay a process has measured."""
    text = httpx.get(f"http://127.0.0.1:{port}/metrics", trust_env=False, verify=False).text
    return {
        sample.labels["loop"]
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "astra_event_loop_delay_seconds_count" and sample.value > 0
    }


def described(families: tuple[Family, ...]) -> set[tuple[str, str]]:
    return {(family.name, family.type) for family in families}


@pytest.mark.slow
@pytest.mark.heavy
def test_the_processes_export_what_the_table_says(tmp_path: Path) -> None:
    assert COMMANDS.keys() == set(PROCESSES) == declared().keys()
    with Pipeline(tmp_path, workers=0, api=False) as pipeline:
        ports = {process: free_port() for process in PROCESSES}
        settings = chain(tmp_path)
        for process, (command, variable) in COMMANDS.items():
            pipeline.start(command, command, **{f"ASTRA_{variable}_PORT": str(ports[process])}, **settings)
        for process, port in ports.items():
            found = eventually(lambda port=port: exported(port), within_s=STARTED_S, what=process)  # type: ignore[misc]
            assert found == described(declared()[process]), process
            loops = {MAIN, *(TOPOLOGY.names if process == "worker" else ())}
            eventually(lambda port=port, loops=loops: measured_loops(port) == loops, within_s=STARTED_S, what=process)  # type: ignore[misc]
