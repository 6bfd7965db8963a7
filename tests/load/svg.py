"""Line charts as SVG text, without a library: a few series over one axis of numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT = 720, 340
LEFT, RIGHT, TOP, BOTTOM = 64, 190, 34, 46
COLOURS = (
    *("#1f6fb2", "#d1495b", "#2e8b57", "#e08e2b", "#7b5ea7", "#50808e", "#a0522d"),
    *("#6b6b6b", "#c2185b", "#00838f", "#9e9d24", "#3949ab", "#000000", "#8bc34a"),
)
TICKS = 5
FONT = 'font-family="sans-serif" font-size="12"'

Points = Sequence[tuple[float, float]]


def chart(title: str, x_title: str, y_title: str, series: Mapping[str, Points], limit: float | None = None) -> str:
    """Return a chart. `limit` draws a dashed horizontal line, such as that of an SLO.

    Args:
        title: Above the chart.
        x_title: Below the axis; `y_title` stands beside the other.
        series: The points of each line, by its name.
    """
    points = [point for line in series.values() for point in line if math.isfinite(point[1])]
    x_most = max((x for x, _ in points), default=1.0) or 1.0
    y_most = nice(max([y for _, y in points] + ([limit] if limit is not None else []), default=1.0))
    area = _Area(x_most, y_most)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" {FONT}>',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
        _text(LEFT, TOP - 14, title, size=14),
        *_axes(area, x_title, y_title),
    ]
    if limit is not None:
        y = area.y(limit)
        parts.append(_line(LEFT, y, WIDTH - RIGHT, y, "#999", dash="5 4"))
    for number, (name, line) in enumerate(series.items()):
        parts += _series(area, name, sorted(line), COLOURS[number % len(COLOURS)], number)
    return "\n".join([*parts, "</svg>"]) + "\n"


def nice(value: float) -> float:
    """Return the next round number that is not below a value: 1, 2, 2.5 or 5 times a power of ten."""
    if value <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in (1, 2, 2.5, 5, 10) if step * power >= value * (1 - 1e-9))


class _Area:
    """Places numbers on the paper."""

    def __init__(self, x_most: float, y_most: float) -> None:
        self.x_most, self.y_most = x_most, y_most

    def x(self, value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * value / self.x_most

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * min(value, self.y_most) / self.y_most


def _axes(area: _Area, x_title: str, y_title: str) -> list[str]:
    parts = []
    for tick in range(TICKS + 1):
        y, value = area.y(area.y_most * tick / TICKS), area.y_most * tick / TICKS
        parts += [
            _line(LEFT, y, WIDTH - RIGHT, y, "#e4e4e4"),
            _text(LEFT - 6, y + 4, f"{value:g}", anchor="end"),
        ]
        x = area.x_most * tick / TICKS
        parts.append(_text(area.x(x), HEIGHT - BOTTOM + 16, f"{x:.0f}", anchor="middle"))
    middle = HEIGHT / 2
    return [
        *parts,
        _line(LEFT, HEIGHT - BOTTOM, WIDTH - RIGHT, HEIGHT - BOTTOM, "#444"),
        _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, x_title, anchor="middle"),
        f'<text x="16" y="{middle}" text-anchor="middle" transform="rotate(-90 16 {middle})">{escape(y_title)}</text>',
    ]


def _series(area: _Area, name: str, line: Points, colour: str, number: int) -> list[str]:
    places = [(area.x(x), area.y(y)) for x, y in line]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    y = TOP + 6 + 18 * number
    return [
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>',
        *(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in places),
        _line(WIDTH - RIGHT + 12, y, WIDTH - RIGHT + 30, y, colour),
        _text(WIDTH - RIGHT + 36, y + 4, name),
    ]


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, *, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{colour}"{dashed}/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}">{escape(text)}</text>'
