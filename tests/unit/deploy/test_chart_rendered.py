"""The objects that Helm makes of the chart, against Kubernetes' schemas and the laws of the chart."""

import functools
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.cluster.binaries import KUBERNETES, program
from tests.devnet_addresses import ACCOUNTS, SEED
from tests.observe.rules import JOBS, recording
from tests.source import ROOT

CHARTS = ROOT / "deploy" / "chart"
CHART = CHARTS / "astratrade"
ENVIRONMENTS = ("values", "values-staging", "values-production")
OF_OPERATORS = {"PodMonitor", "PrometheusRule", "ScaledObject"}
"""Kinds that Kubernetes itself does not have."""
HELM = program("helm")
TEMPLATES = {"Deployment", "StatefulSet", "Job"}
WITH_CHAIN = ("--values", str(CHART / "values-devnet.yaml"))
"""An installation with a chain. The other ones have no service of it."""
OF_CHAIN = {"astratrade-indexer", "astratrade-settlement", "astratrade-sink", "astratrade-devnet"}

pytestmark = pytest.mark.skipif(
    not HELM.exists(), reason="needs Helm, which takes minutes to build: python -m tests.cluster.binaries"
)

Object = dict[str, Any]


def spec_of(objects: list[Object], kind: str, name: str) -> Object:
    [spec] = [one["spec"] for one in objects if one["kind"] == kind and one["metadata"]["name"] == name]
    return dict(spec)


def helm_template(chart: Path, *options: str) -> subprocess.CompletedProcess[str]:
    version = KUBERNETES.version.removeprefix("v")
    command = [str(HELM), "template", "astratrade", str(chart), "--kube-version", version, *options]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@functools.cache
def rendered(chart: Path, *options: str) -> list[Object]:
    done = helm_template(chart, *options)
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.load_all(done.stdout, yaml.CSafeLoader) if one]


@pytest.fixture(params=[(), WITH_CHAIN], ids=["without-chain", "with-chain"])
def chain(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """Return the options of an installation without a chain, and of one with a chain."""
    return tuple(request.param)


@pytest.fixture(params=ENVIRONMENTS)
def objects(request: pytest.FixtureRequest, chain: tuple[str, ...]) -> list[Object]:
    """Return the objects of an environment."""
    return rendered(CHART, "--values", str(CHART / f"{request.param}.yaml"), *chain)


def pods(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    """Return the specification of each kind of pod, with a name."""
    for one in objects:
        if one["kind"] in TEMPLATES:
            yield one["metadata"]["name"], one["spec"]["template"]["spec"]
        elif one["kind"] == "Pod":
            yield one["metadata"]["name"], one["spec"]


@pytest.mark.sample(2)
def test_kubernetes_knows_each_field_of_each_object(objects: list[Object]) -> None:
    ours = [one for one in objects if one["kind"] not in OF_OPERATORS]
    for one in [*ours, *rendered(CHARTS / "servers")]:
        kubernetes_validate.validate(one, KUBERNETES.version[1:5], strict=True)


def test_no_container_has_rights_that_it_does_not_need(objects: list[Object], chain: tuple[str, ...]) -> None:
    found = [*pods(objects), *pods(rendered(CHARTS / "servers", *(("--set", "devnet.enabled=true") if chain else ())))]
    assert len(found) == (19 if chain else 14)
    for name, pod in found:
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["enableServiceLinks"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in pod["containers"]:
            rights = container["securityContext"]
            assert rights["readOnlyRootFilesystem"] is True, name
            assert rights["allowPrivilegeEscalation"] is False, name
            assert rights["capabilities"] == {"drop": ["ALL"]}, name


def test_each_container_says_what_it_needs_and_each_service_has_all_three_probes(objects: list[Object]) -> None:
    for name, pod in pods(objects):
        for container in pod["containers"]:
            assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), name
            assert "memory" in container["resources"]["limits"], name
            if pod.get("restartPolicy") != "Never":
                assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys(), name
                assert container["livenessProbe"]["httpGet"] == {"path": "/livez", "port": "metrics"}, name
                assert container["readinessProbe"]["httpGet"]["path"] == "/readyz", name


def test_secrets_are_files_and_never_variables(objects: list[Object]) -> None:
    for name, pod in pods(objects):
        [secrets] = [volume["secret"] for volume in pod["volumes"] if volume["name"] == "secrets"]
        for container in pod["containers"]:
            for variable in container["env"]:
                assert "secretKeyRef" not in variable.get("valueFrom", {}), name
            files = {v["value"].rpartition("/")[2] for v in container["env"] if "/run/secrets/" in v.get("value", "")}
            assert files == {item["key"] for item in secrets["items"]}, name
    assert not [one for one in objects if one["kind"] == "Secret"]


def test_each_workload_has_a_disruption_budget_that_lets_one_pod_go(objects: list[Object]) -> None:
    workloads = {one["metadata"]["name"] for one in objects if one["kind"] in {"Deployment", "StatefulSet"}}
    budgets = {one["metadata"]["name"]: one["spec"] for one in objects if one["kind"] == "PodDisruptionBudget"}
    assert budgets.keys() == workloads
    assert {budget["maxUnavailable"] for budget in budgets.values()} == {1}


def test_nothing_reaches_a_pod_that_no_policy_names(objects: list[Object]) -> None:
    policies = {one["metadata"]["name"]: one["spec"] for one in objects if one["kind"] == "NetworkPolicy"}
    everything = policies["astratrade-all"]
    assert everything["policyTypes"] == ["Ingress", "Egress"]
    assert [rule["ports"] for rule in everything["ingress"]] == [[{"port": "metrics"}]]
    labels = everything["podSelector"]["matchLabels"]
    for one in objects:
        if one["kind"] in TEMPLATES:
            assert labels.items() <= one["spec"]["template"]["metadata"]["labels"].items()


@pytest.mark.parametrize("option", ["maxReplicas=5", "replicas=5"])
def test_more_workers_than_partitions_are_refused(option: str) -> None:
    done = helm_template(CHART, "--set", f"workers.domains.nft.{option}")
    assert done.returncode != 0
    assert "workers.domains.nft has more workers than the 4 partitions" in done.stderr


def test_autoscaling_goes_by_the_lag_of_the_domain_and_no_further_than_its_limit() -> None:
    by = {how: rendered(CHART, "--set", f"workers.autoscaling.by={how}") for how in ("hpa", "keda")}
    hpa = spec_of(by["hpa"], "HorizontalPodAutoscaler", "astratrade-nft")
    keda = spec_of(by["keda"], "ScaledObject", "astratrade-nft")
    assert hpa["maxReplicas"] == keda["maxReplicaCount"] == 4
    metric = hpa["metrics"][0]["external"]["metric"]
    assert metric["selector"]["matchLabels"] == {"domain": "nft"}
    [rule] = [rule for rule in recording() if rule["record"] == metric["name"]]  # the autoscaler adds up all series
    assert rule["expr"].startswith("max by (domain) ")
    assert 'domain="nft"' in keda["triggers"][0]["metadata"]["query"]
    assert hpa["behavior"] == keda["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]


def test_the_chart_has_each_rule_and_each_dashboard_of_the_product() -> None:
    switched_on = rendered(CHART, "--set", "observe.rules=true,observe.dashboards=true")
    rules = [group for one in switched_on if one["kind"] == "PrometheusRule" for group in one["spec"]["groups"]]
    dashboards = {name: text for one in switched_on if one["kind"] == "ConfigMap" for name, text in one["data"].items()}
    files = {path.name: path for path in (ROOT / "deploy" / "observe").glob("*/*")}
    for path in (path for path in files.values() if path.suffix == ".yaml"):
        assert all(group in rules for group in yaml.safe_load(path.read_text("utf-8"))["groups"])
    for path in (path for path in files.values() if path.suffix == ".json"):
        assert dashboards[path.name] == path.read_text("utf-8")
    assert {path.suffix for path in files.values()} == {".yaml", ".json"}


def test_the_dashboards_of_grafana_link_to_the_public_origin() -> None:
    origin = "https://app.example.com"
    objects = rendered(CHART, "--set", f"observe.dashboards=true,settings.public_origin={origin}")
    [board] = [one["data"]["operators.json"] for one in objects if "operators.json" in one.get("data", {})]
    assert f'"url": "{origin}/pipeline"' in board
    assert "127.0.0.1" not in board


def test_a_scrape_names_the_job_that_alerts_and_dashboards_ask_for() -> None:
    objects = rendered(CHART, "--set", "observe.podMonitor=true,archive.replicas=1", *WITH_CHAIN)
    [endpoint] = spec_of(objects, "PodMonitor", "astratrade")["podMetricsEndpoints"]
    assert endpoint["relabelings"] == [{"sourceLabels": ["__meta_kubernetes_pod_container_name"], "targetLabel": "job"}]
    scraped = {
        container["name"]
        for _, pod in pods(objects)
        for container in pod["containers"]
        if endpoint["port"] in {port["name"] for port in container.get("ports", ())}
    }
    assert scraped == {*JOBS}


def test_spans_go_to_the_collector_and_nothing_is_sampled_without_one() -> None:
    refused = helm_template(CHART, "--set-json", "settings.trace_sample=0.01")
    assert "settings.trace_sample needs tracing.endpoint" in refused.stderr
    endpoint = "tracing.endpoint=http://collector.monitoring:4318"
    objects = rendered(CHART, "--set-json", "settings.trace_sample=0.01", "--set", endpoint)
    [settings] = [one["data"] for one in objects if one["kind"] == "ConfigMap"]
    assert settings["ASTRA_TRACE_SAMPLE"] == "0.01"
    assert settings["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://collector.monitoring:4318"
    for name, pod in pods(objects):
        assert all("OTEL_EXPORTER_OTLP_ENDPOINT" in {v["name"] for v in c["env"]} for c in pod["containers"]), name
    assert {"ports": [{"port": 4318}]} in spec_of(objects, "NetworkPolicy", "astratrade-all")["egress"]
    assert "4318" not in str(rendered(CHART))


def test_a_pod_gets_the_optional_keys_that_the_secret_has() -> None:
    optional = "optionalSecrets={log-key,starknet-node-url,indexer-socket-url}"
    with_keys = rendered(CHART, *WITH_CHAIN, "--set", optional)
    test_secrets_are_files_and_never_variables(with_keys)
    for name, pod in pods(with_keys):
        variables = {v["name"] for container in pod["containers"] for v in container["env"]}
        assert "ASTRA_LOG_KEY_FILE" in variables, name
        assert ("ASTRA_STARKNET_NODE_URL_FILE" in variables) == (name in {"astratrade-gateway", *OF_CHAIN}), name
        assert ("ASTRA_INDEXER_SOCKET_URL_FILE" in variables) == (name == "astratrade-indexer"), name
    assert "ASTRA_LOG_KEY_FILE" not in str(rendered(CHART))


def test_nothing_of_the_chain_is_there_without_one_and_no_part_of_it_alone() -> None:
    assert not OF_CHAIN & {name for name, _ in pods(rendered(CHART))}
    refused = helm_template(CHART, "--set", "indexer.replicas=1")
    assert "indexer.replicas needs settings.indexer_contracts" in refused.stderr
    refused = helm_template(CHART, "--set", "settlement.replicas=1,settings.settlement_account=0x2a")
    assert "settlement.replicas needs indexer.replicas and settings.settlement_account" in refused.stderr
    refused = helm_template(CHART, *WITH_CHAIN, "--set", "settings.sink_account=")
    assert "sink.replicas needs indexer.replicas and settings.sink_account" in refused.stderr


def test_the_services_of_the_chain_have_its_node_and_each_its_own_key() -> None:
    objects = rendered(CHART, *WITH_CHAIN)
    found = dict(pods(objects))
    assert found.keys() >= OF_CHAIN
    keys = {
        name: {item["key"] for volume in pod["volumes"] if "secret" in volume for item in volume["secret"]["items"]}
        for name, pod in found.items()
    }
    assert {name for name, has in keys.items() if "starknet-node-url" in has} == OF_CHAIN
    for service in ("settlement", "sink"):
        assert {name for name, has in keys.items() if f"{service}-keystore" in has} == {f"astratrade-{service}"}
        [container] = found[f"astratrade-{service}"]["containers"]
        variables = {variable["name"]: variable.get("value") for variable in container["env"]}
        prefix, secrets = f"ASTRA_{service.upper()}", "/run/secrets/astratrade"
        assert variables[f"{prefix}_KEYSTORE"] == f"{secrets}/{service}-keystore"
        assert variables[f"{prefix}_PASSWORD_FILE"] == f"{secrets}/{service}-password"
    [reaches] = spec_of(objects, "NetworkPolicy", "astratrade-node")["podSelector"]["matchExpressions"]
    assert reaches["values"] == ["gateway", *(name.removeprefix("astratrade-") for name in sorted(OF_CHAIN))]


def test_the_devnet_is_the_one_that_the_addresses_follow_from() -> None:
    [devnet] = [
        one["spec"]["template"]["spec"]["containers"][0]
        for one in rendered(CHARTS / "servers", "--set", "devnet.enabled=true")
        if one["kind"] == "StatefulSet" and one["metadata"]["name"] == "devnet"
    ]
    assert f"--seed={SEED}" in devnet["command"]
    assert f"--accounts={len(ACCOUNTS)}" in devnet["command"]


def test_each_server_may_have_several_ports_and_receivers_may_be_private() -> None:
    private = "network.webhooks.to[0].ipBlock.cidr=10.0.0.0/8"
    ports = "network.broker.ports={6379,26379},network.webhooks.ports={443,8443}"
    objects = rendered(CHART, "--set", f"{ports},{private}")
    assert {"ports": [{"port": 6379}, {"port": 26379}]} in spec_of(objects, "NetworkPolicy", "astratrade-all")["egress"]
    [webhooks] = spec_of(objects, "NetworkPolicy", "astratrade-webhooks")["egress"]
    assert webhooks == {"ports": [{"port": 443}, {"port": 8443}], "to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}
    [node] = spec_of(objects, "NetworkPolicy", "astratrade-node")["egress"]
    assert node["ports"] == [{"port": 443}]
    assert all("except" in peer["ipBlock"] for peer in node["to"])


def test_passwords_stay_texts_also_where_they_look_like_numbers() -> None:
    text = helm_template(CHARTS / "servers").stdout
    quoted = set(re.findall(r'^  ([a-z-]+): "', text, re.MULTILINE))
    assert quoted == {"password", "broker-url", "database-url", "secret"}


def test_each_shard_has_workers_of_its_own() -> None:
    objects = rendered(CHART, "--set", "shards=2")
    for shard, name in enumerate(("astratrade-trading", "astratrade-trading-1")):
        [container] = spec_of(objects, "StatefulSet", name)["template"]["spec"]["containers"]
        assert container["args"] == ["worker", "--domain", "trading", "--shard", str(shard)]
