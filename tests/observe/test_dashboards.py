"""The dashboards are current and each panel is whole: queries that parse, metrics that exist, unit, description."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest
from grafana_foundation_sdk.models import units

from api.pages import VIEWS
from tests.observe.dashboards import DASHBOARDS, ORIGIN, files, panels
from tests.observe.lint import documents, faults, queries
from tests.observe.rules import alerts, recording, windowed

UNITS = {value for name, value in vars(units).items() if name[0].isupper() and isinstance(value, str)}
QUERIES = list(queries())
PANELS = [(name, panel) for name, document in documents().items() for panel in panels(document)]


def test_the_files_are_what_the_code_makes() -> None:
    found = {path.name: path.read_text("utf-8") for path in DASHBOARDS.iterdir()}
    assert found == files(), "run python -m tests.observe.dashboards"


@pytest.mark.parametrize(("place", "expr"), QUERIES, ids=[place for place, _ in QUERIES])
def test_every_query_parses_and_reads_metrics_that_a_process_exports(place: str, expr: str) -> None:
    assert list(faults(expr)) == [], place


@pytest.mark.parametrize(("name", "panel"), PANELS, ids=[f"{name}-{panel['title']}" for name, panel in PANELS])
def test_every_panel_has_queries_a_unit_and_a_description(name: str, panel: dict[str, Any]) -> None:
    assert panel["targets"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert panel["datasource"]["uid"] == "${datasource}"
    assert all(target["legendFormat"] for target in panel["targets"])


@pytest.mark.parametrize(("name", "document"), documents().items())
def test_every_dashboard_links_to_views_of_the_product(name: str, document: dict[str, Any]) -> None:
    assert document["links"], name
    for link in document["links"]:
        address = urlsplit(link["url"])
        assert f"{address.scheme}://{address.netloc}" == ORIGIN
        assert address.path in VIEWS


def test_no_two_panels_of_a_dashboard_have_one_title() -> None:
    titles = [(name, panel["title"]) for name, panel in PANELS]
    assert len(titles) == len(set(titles))


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)
def test_every_alert_reads_metrics_that_exist(alert: Any) -> None:
    assert list(faults(windowed(alert.expr, 1))) == []


def test_every_recording_rule_reads_metrics_that_exist() -> None:
    assert [fault for rule in recording() for fault in faults(rule["expr"])] == []


@pytest.mark.parametrize(
    ("expr", "fault"),
    [
        ("sum(rate(astra_api_request_total[1m]))", "no process exports astra_api_request_total"),
        ('sum(rate(astra_api_requests_total{user="ada"}[1m]))', "astra_api_requests_total has no label user"),
        ("vector(1)", "it reads no metric"),
        ("astra_api_request_seconds", "no process exports astra_api_request_seconds"),
    ],
)
def test_a_wrong_query_is_found(expr: str, fault: str) -> None:
    assert list(faults(expr)) == [fault]
