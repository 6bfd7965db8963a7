"""The picture of a trace has each span once, below its parent, where its time is."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.tracing.collector import Seen
from tests.tracing.screenshot import browser, screenshot
from tests.tracing.waterfall import CHART_PX, LABEL_PX, in_order, picture

CHROMIUM = browser()
SVG = "{http://www.w3.org/2000/svg}"


def span(name: str, span_id: str, parent_id: str, start_ms: int, end_ms: int, *, failed: bool = False) -> Seen:
    return Seen(
        "api", name, "CLIENT", "t", span_id, parent_id, start_ms * 10**6, end_ms * 10**6, {}, (), failed, sampled=True
    )


SPANS = [
    span("late & <odd>", "c", "a", 60, 100, failed=True),
    span("early", "b", "a", 0, 50),
    span("root", "a", "elsewhere", 0, 100),
    span("below", "d", "b", 10, 20),
]


def test_spans_are_listed_below_their_parents_by_time() -> None:
    assert [(depth, each.name) for depth, each in in_order(SPANS)] == [
        (0, "root"), (1, "early"), (2, "below"), (1, "late & <odd>"),
    ]  # fmt: skip


def test_each_span_is_a_bar_at_its_time() -> None:
    root = ET.fromstring(picture(SPANS, "a title"))
    bars = [bar for bar in root.iter(f"{SVG}rect") if bar.get("rx")]
    places = [(float(bar.get("x", 0)), float(bar.get("width", 0))) for bar in bars]
    assert places == [
        (LABEL_PX + CHART_PX * begin, CHART_PX * length) for begin, length in ((0, 1), (0, 0.5), (0.1, 0.1), (0.6, 0.4))
    ]
    assert [text.text for text in root.iter(f"{SVG}text") if not text.get("class")] == [
        "a title", "root", "early", "below", "late & <odd>",
    ]  # fmt: skip
    assert [bar.get("fill") for bar in bars].count("#c22") == 1


@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_the_screenshot_has_the_size_of_the_picture(tmp_path: Path) -> None:
    svg = tmp_path / "trace.svg"
    svg.write_text(picture(SPANS, "a title"), "utf-8")
    head = screenshot(CHROMIUM or "", svg).read_bytes()[:24]
    assert head.startswith(b"\x89PNG")
    size = ET.parse(svg).getroot().get("width"), ET.parse(svg).getroot().get("height")
    assert (str(int.from_bytes(head[16:20])), str(int.from_bytes(head[20:24]))) == size
