"""The texts derived from the topology: the documentation's tables, the diagram, and the AsyncAPI document."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner

from deploy.cli.main import cli
from streams.asyncapi import asyncapi
from streams.diagrams import mermaid
from tables.domains import TOPOLOGY
from tests.docs.generated import GENERATORS, ROOT, blocks, generated, product_models

DOCUMENT = asyncapi(TOPOLOGY, product_models(), title="Test", version="1", app_id="demo")


def test_generated_blocks_of_the_documentation_are_up_to_date() -> None:
    for path in sorted((ROOT / "docs").rglob("*.md")):
        page = path.read_text("utf-8")
        assert page == generated(page), f"{path.name} is out of date: run `python -m tests.docs.generated`"


def test_the_documentation_has_every_generated_block() -> None:
    pages = (
        ROOT / "docs" / name
        for name in (
            "architecture.md",
            "capacity.md",
            "feeds.md",
            "kubernetes.md",
            "lineage.md",
            "observability.md",
            "partitions.md",
        )
    )
    assert {name for page in pages for name in blocks(page.read_text("utf-8"))} == GENERATORS.keys()


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def resolved(reference: str) -> Any:
    node: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        node = node[part]
    return node


def test_every_reference_of_the_asyncapi_document_leads_somewhere() -> None:
    found = set(references(DOCUMENT))
    assert len(found) > len(TOPOLOGY.topics)
    for reference in found:
        assert resolved(reference)


def test_the_asyncapi_document_has_every_topic_operation_and_event() -> None:
    assert DOCUMENT["asyncapi"] == "3.0.0"
    assert tuple(DOCUMENT["channels"]) == TOPOLOGY.topics
    operations = DOCUMENT["operations"]
    for domain in TOPOLOGY.domains:
        for topic in domain.consumes:
            assert f"demo-{domain.name}" in operations[f"{domain.name}.receive.{topic}"]["summary"]
        for topic in domain.produces:
            assert operations[f"{domain.name}.send.{topic}"]["action"] == "send"
    for topic in TOPOLOGY.client_topics:
        assert operations[f"clients.send.{topic}"]["action"] == "send"
    for topic, sources in TOPOLOGY.sources.items():
        assert all(operations[f"{source}.send.{topic}"]["action"] == "send" for source in sources)
    carried = {model.type_name for model in product_models() if model.topic in TOPOLOGY.topics}
    assert set(DOCUMENT["components"]["messages"]) == carried


def test_amounts_and_instants_are_described_as_the_text_that_they_are() -> None:
    schemas = DOCUMENT["components"]["schemas"]
    assert schemas["TradeExecuted"]["properties"]["notional_usd"]["type"] == "string"
    assert schemas["Event_TradeExecuted_"]["properties"]["time"]["format"] == "date-time"


def test_a_broadcast_topic_carries_the_events_that_are_copied_to_it() -> None:
    assert list(DOCUMENT["channels"]["astra.trading.marks.v1"]["messages"]) == ["astra.market.PriceUpdated.v1"]


def test_the_diagram_has_an_arrow_for_each_topic_consumed_and_produced() -> None:
    arrows = {line.strip() for line in mermaid(TOPOLOGY).splitlines() if "-->" in line}
    assert "clients --> astra_trading_commands_v1" in arrows
    assert "trading --> astra_trading_events_v1" in arrows
    assert "astra_trading_events_v1 --> gamification" in arrows
    consumed = sum(len(domain.consumes) + len(domain.produces) for domain in TOPOLOGY.domains)
    assert "relay --> astra_user_events_v1" in arrows
    assert len(arrows) == consumed + len(TOPOLOGY.client_topics) + sum(map(len, TOPOLOGY.sources.values()))


@pytest.mark.parametrize("shape", ["text", "mermaid", "asyncapi"])
def test_the_command_prints_each_format(shape: str) -> None:
    result = CliRunner().invoke(cli, ["topology", "--format", shape])
    assert result.exit_code == 0, result.output
    assert "astra.trading.events.v1" in result.output
    if shape == "asyncapi":
        assert json.loads(result.output)["asyncapi"] == "3.0.0"
