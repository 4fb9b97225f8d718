"""Charts of the report: well-formed, inside their frame, with the benchmark drawn."""

import re
from datetime import date, timedelta

import pytest

from dashboards.report_chart import HEIGHT, WIDTH, chart, figure

START = date(2026, 1, 1)


@pytest.mark.parametrize(("value", "text"), [
    (0, "0"), (0.01234, "0.0123"), (1.256, "1.26"), (96.5, "96.5"), (4933.7, "4,934"),
    (float("nan"), "-"),
])
def test_three_significant_digits(value: float, text: str) -> None:
    assert figure(value) == text


@pytest.mark.parametrize("limit", [None, 5.0])
@pytest.mark.parametrize("flat", [False, True])
def test_every_point_lies_inside(limit: float | None, flat: bool) -> None:
    trend = [(START + timedelta(days=k), 3.0 if flat else float(k * k)) for k in range(9)]
    drawn = chart(trend, limit, "A <title> & more")
    assert "A &lt;title&gt; &amp; more" in drawn
    (points,) = re.findall(r'<polyline class="line" points="([^"]+)"', drawn)
    assert len(points.split()) == len(trend)
    for pair in points.split():
        x, y = map(float, pair.split(","))
        assert 0 <= x <= WIDTH
        assert 0 <= y <= HEIGHT
    assert drawn.count('class="limit"') == (limit is not None)


def test_one_value_is_no_trend() -> None:
    assert chart([(START, 1.0)], None, "x") == ""


def test_what_stands_still_is_drawn_so() -> None:
    """374.1 and 374.4 were a line from the top of the chart to its foot, both called 374."""
    drawn = chart([(START, 374.4), (START + timedelta(days=31), 374.1)], None, "x")
    (points,) = re.findall(r'points="([^"]+)"', drawn)
    heights = [float(pair.split(",")[1]) for pair in points.split()]
    assert abs(heights[0] - heights[1]) < HEIGHT / 10
    assert ">378<" in drawn
