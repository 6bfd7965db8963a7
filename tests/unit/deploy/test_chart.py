"""The Helm chart, read from its files: values, and what they share with the product's sources."""

import json
import re
import tomllib
from typing import Any

import jsonschema
import pytest
import yaml

from api import server
from deploy.run import dev, worker
from deploy.settings import SECRET_FIELDS, Settings
from tables.domains import TOPOLOGY
from tests.observe.rules import OPTIONAL
from tests.source import ROOT

CHARTS = ROOT / "deploy" / "chart"
CHART = CHARTS / "astratrade"
SCHEMA = json.loads((CHART / "values.schema.json").read_text("utf-8"))
ENVIRONMENTS = ("values", "values-staging", "values-production", "values-devnet")
PROCESS_OWN = {"data_dir", "server_binary", "rulebook", "workers", "appendfsync"} | {
    "settlement_keystore",
    "sink_keystore",
}
"""Settings of files, which a pod does not have or has from the Secret, and of `dev` alone."""
OF_THE_CHART = {"partitions", "drain_s", "shards", "shard"}
"""Settings that have a value of their own in the chart."""


def values_of(environment: str) -> dict[str, Any]:
    """Return the values of an environment, over the defaults."""
    return merged(read("values"), read(environment))


def read(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((CHART / f"{name}.yaml").read_text("utf-8"))
    return loaded


def merged(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    shared = (name for name in under.keys() & over.keys() if isinstance(over[name], dict))
    return {**under, **over, **{name: merged(under[name], over[name]) for name in shared}}


def template(name: str) -> str:
    return (CHART / "templates" / name).read_text("utf-8")


def grace_s(name: str, text: str) -> int:
    """Return the grace of a part of `singles.yaml`."""
    found = re.search(rf'"{name}" \(dict .*"grace" (\d+)', text)
    assert found
    return int(found[1])


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_values_of_each_environment_meet_the_schema(environment: str) -> None:
    jsonschema.validate(values_of(environment), SCHEMA)


def test_a_value_that_the_chart_does_not_have_is_refused() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**values_of("values"), "replicas": 1}, SCHEMA)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_no_domain_may_have_more_workers_than_partitions(environment: str) -> None:
    values = values_of(environment)
    for domain in values["workers"]["domains"].values():
        assert domain["replicas"] <= domain["maxReplicas"] <= values["partitions"]


def test_the_chart_has_the_products_domains_and_version() -> None:
    assert set(read("values")["workers"]["domains"]) == set(TOPOLOGY.names)
    assert set(SCHEMA["properties"]["workers"]["properties"]["domains"]["properties"]) == set(TOPOLOGY.names)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    for path in CHARTS.glob("*/Chart.yaml"):
        chart = yaml.safe_load(path.read_text("utf-8"))
        assert chart["version"] == chart["appVersion"] == version


def test_the_schema_knows_each_setting_that_a_pod_may_get() -> None:
    addresses = {name for name in Settings.model_fields if name.endswith(("_host", "_port"))}  # the image sets them
    expected = Settings.model_fields.keys() - {*SECRET_FIELDS} - addresses - PROCESS_OWN - OF_THE_CHART
    assert set(SCHEMA["properties"]["settings"]["propertyNames"]["enum"]) == expected


def test_a_pod_has_longer_to_end_than_its_process_takes() -> None:
    [worker_s] = re.findall(r'"port" 9101 "grace" (\d+)', template("workers.yaml"))
    assert int(worker_s) >= worker.GRACE_S + 5
    [beside_drain_s] = re.findall(r'"grace" \(add (\d+) .Values.gateway.drainSeconds\)', template("gateway.yaml"))
    assert int(beside_drain_s) >= server.GRACE_S + server.SOCKETS_END_S + 5
    singles = template("singles.yaml")
    takes = {"relay": dev.RELAY_GRACE_S, "clock": dev.CLOCK_GRACE_S, "webhooks": dev.WEBHOOKS_GRACE_S}
    for name, takes_s in takes.items():
        assert grace_s(name, singles) >= takes_s + 5


def test_the_ports_are_those_of_the_image() -> None:
    image = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
    ports = {name.lower(): port for name, port in re.findall(r"ASTRA_(\w+)_PORT=(\d+)", image)}
    for name in ("relay", "clock", "webhooks", *OPTIONAL):
        assert re.search(rf'"{name}" \(dict .*"port" {ports[name]} ', template("singles.yaml"))
    assert f'"servesAt" {ports["api"]} "port" {ports["metrics"]}' in template("gateway.yaml")
    assert f'"port" {ports["worker"]} "grace"' in template("workers.yaml")
