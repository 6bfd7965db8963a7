"""Charts."""

import xml.etree.ElementTree as ET

import pytest

from tables.domains import TOPOLOGY
from tests.load.svg import COLOURS, HEIGHT, WIDTH, chart, nice

SVG = "{http://www.w3.org/2000/svg}"


def test_a_chart_has_a_line_for_each_series_inside_of_its_paper() -> None:
    text = chart("A & B", "x", "ms", {"one": [(10, 5), (20, 900)], "two": [(10, 7), (20, float("inf"))]}, limit=250)
    root = ET.fromstring(text)
    lines = root.findall(f"{SVG}polyline")
    assert len(lines) == 2
    for line in lines:
        for point in line.attrib["points"].split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= WIDTH
            assert 0 <= y <= HEIGHT
    assert {one.text for one in root.findall(f"{SVG}text")} >= {"A & B", "x", "one", "two", "1000"}


@pytest.mark.parametrize(("value", "round_"), [(0.03, 0.05), (1, 1), (1.01, 2), (230, 250), (999, 1_000), (0, 1)])
def test_an_axis_ends_at_a_round_number(value: float, round_: float) -> None:
    assert nice(value) == pytest.approx(round_)


def test_each_process_of_a_run_has_a_colour_of_its_own() -> None:
    others = ("broker", "gateway", "relay", "generator-1", "subscribers", "harness", "collector")
    assert len({*COLOURS}) == len(COLOURS) >= len(TOPOLOGY.names) + len(others)
