"""The AsyncAPI document satisfies the official JSON Schema of AsyncAPI 3.0.0."""

from __future__ import annotations

import copy
import gzip
import hashlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from click.testing import CliRunner
from jsonschema import Draft7Validator

from deploy.cli.main import cli
from tests.source import ROOT

SCHEMA = gzip.decompress((ROOT / "tests/fixtures/asyncapi/3.0.0.json.gz").read_bytes())
SHA256 = "abe96881dbfaad495ccbb6bd8d3fb43ca18a13b9d7564849ccb66f39d5e5b20f"
VALIDATOR: Any = Draft7Validator(json.loads(SCHEMA))
TOPIC = "astra.trading.events.v1"


@pytest.fixture(scope="module")
def document() -> Any:
    result = CliRunner().invoke(cli, ["topology", "--format", "asyncapi"])
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def errors(document: Any) -> list[str]:
    """Return the places in the document that break the schema."""
    return [error.json_path for error in VALIDATOR.iter_errors(document)]


def test_the_schema_is_the_official_one() -> None:
    assert hashlib.sha256(SCHEMA).hexdigest() == SHA256


def test_the_printed_document_satisfies_the_schema(document: Any) -> None:
    assert errors(document) == []


@pytest.mark.parametrize(
    "spoil",
    [
        lambda document: document.pop("info"),
        lambda document: document["channels"][TOPIC].update(adress="x"),
        lambda document: document["operations"][f"trading.send.{TOPIC}"].update(action="publish"),
        lambda document: document["components"]["messages"]["astra.trading.TradeClosed.v1"].update(contentType=1),
        lambda document: document["components"]["schemas"]["TradeClosed"].update(required="all"),
    ],
    ids=["no info", "a misspelt field", "an action of AsyncAPI 2", "a type", "a payload's schema"],
)
@pytest.mark.sample(2)
def test_a_spoilt_document_does_not(document: Any, spoil: Callable[[Any], object]) -> None:
    spoilt = copy.deepcopy(document)
    spoil(spoilt)
    assert errors(spoilt) != []
