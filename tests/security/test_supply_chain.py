"""What is installed: a valid bill of materials that names everything, and licences that we accept."""

from __future__ import annotations

import json
import re
from email.message import EmailMessage, Message
from importlib.metadata import distributions
from importlib.resources import files
from typing import Any, cast

import pytest
from click.testing import CliRunner
from jsonschema import Draft7Validator, FormatChecker
from referencing import Registry, Resource

from deploy.cli.main import cli
from deploy.licences import ACCEPTED, UNSTATED_ACCEPTED, accepted, licence_of
from deploy.sbom import normal

SCHEMAS = ("bom-1.6", "spdx", "jsf-0.82")


def validator() -> Draft7Validator:
    """Return a validator with CycloneDX's own schemas, which its library packages."""
    directory = files("cyclonedx") / "schema" / "_res"
    schemas = [json.loads((directory / f"{name}.SNAPSHOT.schema.json").read_text("utf-8")) for name in SCHEMAS]
    registry: Registry[Any] = Registry().with_resources(
        (schema["$id"], Resource.from_contents(schema)) for schema in schemas
    )
    return Draft7Validator(schemas[0], registry=registry, format_checker=FormatChecker())


def test_the_bill_of_materials_is_valid_and_complete() -> None:
    bill = json.loads(CliRunner().invoke(cli, ["sbom"], catch_exceptions=False).output)
    validator().validate(bill)
    components = {one["name"]: one for one in bill["components"]}
    assert bill["metadata"]["component"]["name"] == "astratrade-streams"
    assert {
        "faust-redis",
        "faust-streaming",
        "redis",
        "rocksdict",
        "fastapi",
        "sqlalchemy",
        "greenlet",
    } <= components.keys()
    assert not {"pytest", "ruff", "schemathesis"} & components.keys(), "the tests' packages are not the product's"
    refs = {one["bom-ref"] for one in (*bill["components"], bill["metadata"]["component"])}
    assert {entry["ref"] for entry in bill["dependencies"]} == refs
    assert all(set(entry["dependsOn"]) <= refs for entry in bill["dependencies"])
    without = {name for name, one in components.items() if "licenses" not in one}
    assert without <= UNSTATED_ACCEPTED


@pytest.mark.parametrize("change", [
    {"bomFormat": "other"}, {"components": [{"type": "library"}]}, {"serialNumber": "x"}, {"dependencies": [{}]},
])  # fmt: skip
def test_the_validation_finds_errors(change: dict[str, Any]) -> None:
    bill = json.loads(CliRunner().invoke(cli, ["sbom"], catch_exceptions=False).output)
    assert list(validator().iter_errors(bill | change))


def test_every_installed_package_has_an_accepted_licence() -> None:
    for installed in distributions():
        metadata = cast("Message", installed.metadata)
        name, licence = normal(metadata["Name"]), licence_of(metadata)
        assert accepted(licence) or (not licence and name in UNSTATED_ACCEPTED), f"{name}: {licence or 'states none'}"


def test_the_list_of_licences_names_each_package() -> None:
    result = CliRunner().invoke(cli, ["sbom", "--licences"], catch_exceptions=False)
    assert result.exit_code == 0
    assert re.search(r"^redis \S+  MIT$", result.output, re.MULTILINE)
    assert "NOT ACCEPTED" not in result.output


@pytest.mark.parametrize(("expression", "good"), [
    ("MIT", True), ("GPL-3.0-only", False), ("MIT OR GPL-3.0-only", True), ("MIT AND GPL-3.0-only", False),
    ("MPL-2.0 AND (Apache-2.0 OR GPL-2.0)", True), ("(MIT", False), ("", False), ("MIT MIT", False), ("MIT OR", True),
])  # fmt: skip
def test_an_expression_is_accepted_when_its_licences_can_be(expression: str, good: bool) -> None:
    assert accepted(expression) is good


@pytest.mark.parametrize(("headers", "licence"), [
    ({"License-Expression": "MIT"}, "MIT"),
    ({"Classifier": "License :: OSI Approved :: MIT License"}, "MIT"),
    ({"Classifier": "License :: OSI Approved :: GNU General Public License (GPL)", "License": "GPL"}, ""),
    ({"License": "Apache-2.0"}, "Apache-2.0"),
    ({"License": "do what you like"}, ""),
    ({}, ""),
])  # fmt: skip
def test_a_licence_is_read_from_the_metadata(headers: dict[str, str], licence: str) -> None:
    metadata = EmailMessage()
    for name, value in headers.items():
        metadata[name] = value
    assert licence_of(metadata) == licence
    assert licence in {"", *ACCEPTED}
