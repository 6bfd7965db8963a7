"""The objects that Helm makes of the chart, against Kubernetes' schemas and the laws of the chart."""

import functools
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.cluster.binaries import KUBERNETES, program
from tests.source import ROOT

CHARTS = ROOT / "deploy" / "chart"
CHART = CHARTS / "astratrade"
ENVIRONMENTS = ("values", "values-staging", "values-production")
OF_OPERATORS = {"PodMonitor", "PrometheusRule", "ScaledObject"}
"""Kinds that Kubernetes itself does not have."""
HELM = program("helm")
TEMPLATES = {"Deployment", "StatefulSet", "Job"}

pytestmark = pytest.mark.skipif(
    not HELM.exists(), reason="needs Helm, which takes minutes to build: python -m tests.cluster.binaries"
)

Object = dict[str, Any]


def spec_of(objects: list[Object], kind: str, name: str) -> Object:
    [spec] = [one["spec"] for one in objects if one["kind"] == kind and one["metadata"]["name"] == name]
    return dict(spec)


@functools.cache
def rendered(chart: Path, *options: str) -> list[Object]:
    version = KUBERNETES.version.removeprefix("v")
    command = [str(HELM), "template", "astratrade", str(chart), "--kube-version", version, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [one for one in yaml.safe_load_all(done.stdout) if one]


@pytest.fixture(params=ENVIRONMENTS)
def objects(request: pytest.FixtureRequest) -> list[Object]:
    """Return the objects of an environment."""
    return rendered(CHART, "--values", str(CHART / f"{request.param}.yaml"))


def pods(objects: list[Object]) -> Iterator[tuple[str, Object]]:
    """Return the specification of each kind of pod, with a name."""
    for one in objects:
        if one["kind"] in TEMPLATES:
            yield one["metadata"]["name"], one["spec"]["template"]["spec"]
        elif one["kind"] == "Pod":
            yield one["metadata"]["name"], one["spec"]


def test_kubernetes_knows_each_field_of_each_object(objects: list[Object]) -> None:
    ours = [one for one in objects if one["kind"] not in OF_OPERATORS]
    for one in [*ours, *rendered(CHARTS / "servers")]:
        kubernetes_validate.validate(one, KUBERNETES.version[1:5], strict=True)


def test_no_container_has_rights_that_it_does_not_need(objects: list[Object]) -> None:
    found = [*pods(objects), *pods(rendered(CHARTS / "servers"))]
    assert len(found) == 14
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
            files = {v["value"].rpartition("/")[2] for v in container["env"] if v["name"].endswith("_FILE")}
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
    command = [str(HELM), "template", str(CHART), "--kube-version", "1.34.0", "--set", f"workers.domains.nft.{option}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "workers.domains.nft has more workers than the 4 partitions" in done.stderr


def test_autoscaling_goes_by_the_lag_of_the_domain_and_no_further_than_its_limit() -> None:
    by = {how: rendered(CHART, "--set", f"workers.autoscaling.by={how}") for how in ("hpa", "keda")}
    hpa = spec_of(by["hpa"], "HorizontalPodAutoscaler", "astratrade-nft")
    keda = spec_of(by["keda"], "ScaledObject", "astratrade-nft")
    assert hpa["maxReplicas"] == keda["maxReplicaCount"] == 4
    assert hpa["metrics"][0]["external"]["metric"]["selector"]["matchLabels"] == {"domain": "nft"}
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
