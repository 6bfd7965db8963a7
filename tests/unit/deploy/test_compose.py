"""What deploy/compose.yaml promises, read from the file. `python -m tests.compose` brings it up."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from api import server
from contracts.account.signer import KeystoreSigner
from deploy import images
from deploy.cli.main import COMMANDS
from deploy.run import dev, worker
from deploy.settings import Settings, variable
from tables.domains import TOPOLOGY
from tests.compose import standins
from tests.compose.podman import COMPOSE
from tests.devnet_addresses import ACCOUNTS, SEED, settings
from tests.observe.rules import CHAIN, JOBS, OPTIONAL
from tests.source import ROOT

DOCUMENT: dict[str, Any] = yaml.safe_load(COMPOSE.read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = DOCUMENT["services"]
PRODUCT = {name: service for name, service in SERVICES.items() if service["image"] == images.TAG}
SERVING = {name: service for name, service in PRODUCT.items() if service["restart"] == "unless-stopped"}
OBSERVE = ROOT / "deploy" / "observe"
PAGE = (ROOT / "docs" / "containers.md").read_text("utf-8")
PORTS = dict(zip(JOBS, range(9100, 9109), strict=True))
ROOTS = {"secrets": ["DAC_OVERRIDE"], "jaeger": [], "devnet": []}
KEYSTORES = {
    "settlement": "chart/servers/devnet-keystore.json",
    "sink": "chart/servers/devnet-sink-keystore.json",
}
SINGLE_GRACE_S = 5.0
"""The services of the chain end at once; the last request of theirs may take so long."""
"""The containers whose user is root, and the capabilities that they keep."""


def config(name: str) -> dict[str, Any]:
    """Return a file of deploy/observe."""
    loaded: dict[str, Any] = yaml.safe_load((OBSERVE / name).read_text("utf-8"))
    return loaded


def volumes() -> Iterator[tuple[str, str, str]]:
    """Yield the service, the source and the target of each mount."""
    for name, service in SERVICES.items():
        for mount in service.get("volumes", ()):
            yield name, *mount.split(":")[:2]


def seconds(text: str) -> float:
    return float(text.removesuffix("s"))


def test_each_service_of_the_product_runs_and_no_other() -> None:
    commands = {name: service["command"] for name, service in SERVING.items()}
    workers = {name: ["worker", "--domain", name] for name in TOPOLOGY.names}
    singles = {name: [name] for name in ("relay", "clock", "webhooks", *OPTIONAL)}
    assert commands == {"gateway": ["api"], **singles, **workers}
    assert {command[0] for command in commands.values()} < {*COMMANDS}


def test_the_profile_has_what_follows_the_chain_and_its_node() -> None:
    profiles = {name: service["profiles"] for name, service in SERVICES.items() if "profiles" in service}
    assert profiles == {name: ["chain"] for name in ("devnet", "contracts", *CHAIN)} | {"archive": ["archive"]}
    devnet = SERVICES["devnet"]["command"]
    assert {f"--seed={SEED}", f"--accounts={len(ACCOUNTS)}"} <= {*devnet}
    for name in ("contracts", *CHAIN):
        environment = SERVICES[name]["environment"]
        assert environment["ASTRA_STARKNET_NODE_URL"] == "http://devnet:5050/rpc"
        assert settings().items() <= environment.items(), "run python -m tests.devnet_addresses"


@pytest.mark.parametrize(("service", "keystore"), KEYSTORES.items())
def test_a_keystore_of_the_devnet_opens_with_the_password_that_both_installations_have(
    service: str, keystore: str
) -> None:
    environment = SERVICES[service]["environment"]
    password, inside = (environment[f"ASTRA_{service.upper()}_{what}"] for what in ("PASSWORD", "KEYSTORE"))
    assert KeystoreSigner.open(COMPOSE.parent / keystore, password).public_key
    secrets = (COMPOSE.parent / "chart" / "servers" / "templates" / "secrets.yaml").read_text("utf-8")
    assert f"{service}-password: {password}\n" in secrets
    assert f'{service}-keystore: {{{{ .Files.Get "{Path(keystore).name}"' in secrets
    assert f"./{keystore}:{inside}:ro" in SERVICES[service]["volumes"]


def test_each_setting_exists() -> None:
    known = {variable(field) for field in Settings.model_fields}
    for service in PRODUCT.values():
        ours = {name.removesuffix("_FILE") for name in service["environment"] if name.startswith("ASTRA_")}
        assert ours <= known


def test_the_sample_of_traces_is_a_variable_and_its_store_is_the_one_that_spans_go_to() -> None:
    endpoint = config("jaeger.yaml")["receivers"]["otlp"]["protocols"]["http"]["endpoint"]
    port = endpoint.rpartition(":")[2]
    for service in SERVING.values():
        assert service["environment"]["ASTRA_TRACE_SAMPLE"] == "${ASTRA_TRACE_SAMPLE:-0.01}"
        assert service["environment"]["OTEL_EXPORTER_OTLP_ENDPOINT"] == f"http://jaeger:{port}"
    directories = config("jaeger.yaml")["extensions"]["jaeger_storage"]["backends"]["disk"]["badger"]["directories"]
    [target] = [target for name, source, target in volumes() if (name, source) == ("jaeger", "jaeger")]
    assert all(Path(each).is_relative_to(target) for each in directories.values())


def test_every_image_has_a_version() -> None:
    for service in SERVICES.values():
        assert service["image"] == images.TAG or re.fullmatch(r"docker\.io/[\w/-]+:v?\d+(\.\d+)+", service["image"])


def test_the_suite_knows_each_image_that_is_not_ours() -> None:
    others = {name: service["image"] for name, service in SERVICES.items() if name not in PRODUCT}
    assert standins.official() == others


def test_only_this_machine_reaches_the_ports_and_the_page_names_each() -> None:
    published = [port for service in SERVICES.values() for port in service.get("ports", ())]
    for port in published:
        address, outer, _ = port.split(":")
        assert address == "127.0.0.1"
        assert f"127.0.0.1:{outer}" in PAGE
    assert len(published) == 5


def test_no_container_has_rights_that_it_does_not_need() -> None:
    for name, service in SERVICES.items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service.get("cap_add", []) == ROOTS.get(name, []), name
        assert (service.get("user") == "0") == (name in ROOTS), name
        assert service["read_only"] or name == "database", name
        assert not service.keys() & {"privileged", "network_mode", "pid", "ipc", "devices", "userns_mode"}, name
        assert "docker.sock" not in str(service), name


def test_only_workers_keep_files_and_a_secret_can_be_changed_by_no_service() -> None:
    for name, service in SERVING.items():
        keeps = [f"{name}:/data"] if name in TOPOLOGY.names else []
        file = [f"./{KEYSTORES[name]}:/run/{Path(KEYSTORES[name]).name}:ro"] if name in KEYSTORES else []
        archive = ["archive:/archive" if name == "archive" else "archive:/archive:ro"]
        assert service["volumes"] == ["secrets:/secrets:ro", *archive, *keeps, *file]
        assert ("/data" in service["tmpfs"]) != bool(keeps)


def test_everything_mounted_exists_and_every_volume_is_used() -> None:
    files = [source for _, source, _ in volumes() if source.startswith(".")]
    assert files
    assert all((COMPOSE.parent / source).exists() for source in files)
    assert {source for _, source, _ in volumes() if not source.startswith(".")} == DOCUMENT["volumes"].keys()


def test_nothing_depends_on_another_container_and_all_but_those_that_end_are_started_again() -> None:
    assert not [name for name, service in SERVICES.items() if "depends_on" in service]
    ending = {name for name, service in SERVICES.items() if service["restart"] == "on-failure"}
    assert ending == {"secrets", "migrations", "contracts"}


def test_a_service_has_longer_to_end_than_its_process_takes() -> None:
    drain_s = seconds(SERVICES["gateway"]["environment"]["ASTRA_DRAIN_S"])
    takes = {
        "gateway": drain_s + server.GRACE_S + server.SOCKETS_END_S,
        "relay": dev.RELAY_GRACE_S,
        "clock": dev.CLOCK_GRACE_S,
        "webhooks": dev.WEBHOOKS_GRACE_S,
        **dict.fromkeys(CHAIN, SINGLE_GRACE_S),
        "archive": dev.ARCHIVE_GRACE_S,
        **dict.fromkeys(TOPOLOGY.names, worker.GRACE_S),
    }
    assert all(seconds(SERVING[name]["stop_grace_period"]) >= takes_s + 5 for name, takes_s in takes.items())


def test_prometheus_scrapes_each_service_at_its_port() -> None:
    documented = {row[0]: int(row[1]) for row in re.findall(r"^\| (\w+) \| `[^|]*\| (91\d\d)", PAGE, re.MULTILINE)}
    assert documented == PORTS
    jobs = config("prometheus.yaml")["scrape_configs"]
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in jobs if "static_configs" in job}
    assert targets == {
        job: [f"{name}:{port}" for name in (TOPOLOGY.names if job == "worker" else [job])]
        for job, port in PORTS.items()
        if job not in OPTIONAL
    }
    looked_up = {job["job_name"]: job["dns_sd_configs"] for job in jobs if "dns_sd_configs" in job}
    for job, [found] in looked_up.items():
        assert (found["names"], found["type"], found["port"]) == ([job], "A", PORTS[job])
    assert looked_up.keys() == {*OPTIONAL}
    [alerting] = config("prometheus.yaml")["alerting"]["alertmanagers"]
    assert alerting["static_configs"] == [{"targets": ["alertmanager:9093"]}]


@pytest.mark.parametrize("path", sorted((OBSERVE / "dashboards").glob("*.json")), ids=lambda path: path.stem)
def test_grafana_finds_the_data_of_each_dashboard(path: Path) -> None:
    """Grafana itself runs nowhere here."""
    sources = config("grafana-datasources.yaml")["datasources"]
    for source in sources:
        host, port = re.fullmatch(r"http://(\w+):(\d+)", source["url"]).groups()  # type: ignore[union-attr]
        assert any(published.endswith(f":{port}") for published in SERVICES[host]["ports"])
    dashboard = json.loads(path.read_text("utf-8"))
    variables = {
        each["name"]: each["query"] for each in dashboard["templating"]["list"] if each["type"] == "datasource"
    }
    used = set(re.findall(r'"datasource": \{[^}]*"uid": "([^"]*)"', json.dumps(dashboard))) - {"-- Grafana --"}
    assert used
    for uid in used:
        kind = variables[uid[2:-1]] if uid.startswith("${") else None
        assert any(source["uid"] == uid or source["type"] == kind for source in sources)
    [provider] = config("grafana-dashboards.yaml")["providers"]
    mounted = {target: source for name, source, target in volumes() if name == "grafana"}
    assert mounted[provider["options"]["path"]] == "./observe/dashboards"
