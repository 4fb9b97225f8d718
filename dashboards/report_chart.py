"""The charts of the report: small, in SVG, readable in black and white and without a script."""

import math
from collections.abc import Sequence
from datetime import date
from html import escape

WIDTH, HEIGHT, LEFT, BOTTOM = 300, 90, 44, 16


def figure(value: float) -> str:
    """A number with three significant digits, as people write it: 0.123, 12.3, 1,234."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else "-"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{digits}f}"


def chart(trend: Sequence[tuple[date, float]], limit: float | None, title: str) -> str:
    """A line over time with its lowest and highest value, and the benchmark as a dashed line.

    Empty for fewer than two values: a dot is no trend.
    """
    if len(trend) < 2:
        return ""
    values = [value for _, value in trend] + ([] if limit is None else [limit])
    low, high = min(values), max(values)
    if figure(high) == figure(low):  # a line that stands still shall look so
        room = abs(high) / 100 or 0.5
        low, high = low - room, high + room
    first, last = trend[0][0], trend[-1][0]
    days = max((last - first).days, 1)

    def x(day: date) -> float:
        return LEFT + (WIDTH - LEFT - 4) * (day - first).days / days

    def y(value: float) -> float:
        return 6 + (HEIGHT - BOTTOM - 10) * (high - value) / (high - low)

    points = " ".join(f"{x(day):.1f},{y(value):.1f}" for day, value in trend)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">',
        f'<line class="axis" x1="{LEFT}" y1="{HEIGHT - BOTTOM}" x2="{WIDTH - 4}" '
        f'y2="{HEIGHT - BOTTOM}"/>',
    ]
    if limit is not None:
        parts.append(f'<line class="limit" x1="{LEFT}" y1="{y(limit):.1f}" x2="{WIDTH - 4}" '
                     f'y2="{y(limit):.1f}"/>')
    parts += [
        f'<polyline class="line" points="{points}"/>',
        *(_text(LEFT - 4, y(value) + 4, figure(value), "end") for value in (low, high)),
        _text(LEFT, HEIGHT - 3, first.isoformat(), "start"),
        _text(WIDTH - 4, HEIGHT - 3, last.isoformat(), "end"),
        "</svg>",
    ]
    return "".join(parts)


def _text(x: float, y: float, words: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'
