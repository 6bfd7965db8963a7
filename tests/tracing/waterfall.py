"""Draw the spans of one trace as a waterfall, an SVG picture."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from html import escape

from tests.tracing.collector import Seen

ROW_PX, LABEL_PX, CHART_PX, RIGHT_PX, INDENT_PX = 17, 430, 520, 90, 11
COLOURS = {"SERVER": "#b5532a", "PRODUCER": "#2b7a4b", "CONSUMER": "#3a62b8", "CLIENT": "#8a8a8a"}
NS_PER_MS = 1_000_000
STYLE = "text{font:11px ui-monospace,monospace;fill:#222}.t{fill:#666}.g{stroke:#ddd}"


def picture(spans: Sequence[Seen], title: str) -> str:
    """Return the SVG."""
    begin, end = min(span.start_ns for span in spans), max(span.end_ns for span in spans)
    rows = list(in_order(spans))
    height = ROW_PX * (len(rows) + 3)
    width = LABEL_PX + CHART_PX + RIGHT_PX
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f"<style>{STYLE}</style>",
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
        f'<text x="8" y="{ROW_PX}">{escape(title)}</text>',
        *_scale(begin, end, height),
    ]
    for number, (depth, span) in enumerate(rows, start=2):
        parts += _row(span, depth, ROW_PX * (number + 1), begin, end)
    return "\n".join([*parts, "</svg>"]) + "\n"


def in_order(spans: Sequence[Seen]) -> Iterator[tuple[int, Seen]]:
    """Yield each span below its parent, with its depth, earlier ones first."""
    children: dict[str, list[Seen]] = defaultdict(list)
    known = {span.span_id for span in spans}
    for span in sorted(spans, key=lambda span: (span.start_ns, span.end_ns, span.name)):
        children[span.parent_id if span.parent_id in known else ""].append(span)

    def below(parent: str, depth: int) -> Iterator[tuple[int, Seen]]:
        for span in children[parent]:
            yield depth, span
            yield from below(span.span_id, depth + 1)

    return below("", 0)


def _scale(begin: int, end: int, height: int) -> Iterator[str]:
    for part in range(5):
        x = LABEL_PX + CHART_PX * part / 4
        ms = (end - begin) * part / 4 / NS_PER_MS
        yield f'<line class="g" x1="{x:.0f}" x2="{x:.0f}" y1="{2 * ROW_PX + 4}" y2="{height}"/>'
        yield f'<text class="t" x="{x + 2:.0f}" y="{2 * ROW_PX}">{ms:.1f} ms</text>'


def _row(span: Seen, depth: int, y: int, begin: int, end: int) -> Iterator[str]:
    scale = CHART_PX / max(1, end - begin)
    x = LABEL_PX + (span.start_ns - begin) * scale
    width = max(1.5, (span.end_ns - span.start_ns) * scale)
    group = str(span.attributes.get("messaging.consumer.group.name", "")).rpartition("-")[2]
    label = span.name.replace("astra.", "").replace(".v1", "") + (f" · {group}" if group else "")
    took = f"{(span.end_ns - span.start_ns) / NS_PER_MS:.1f}"
    colour = "#c22" if span.failed else COLOURS[span.kind]
    yield f'<text x="{8 + depth * INDENT_PX}" y="{y}">{escape(label)}</text>'
    yield f'<rect x="{x:.1f}" y="{y - 10}" width="{width:.1f}" height="11" rx="2" fill="{colour}"/>'
    yield f'<text class="t" x="{x + width + 4:.1f}" y="{y}">{took}</text>'
