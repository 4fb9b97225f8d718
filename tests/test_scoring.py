"""Rating against a benchmark: both sides of each edge, and the published examples."""

import pytest

from dashboards.scoring import BANDS, COLOURS, band, category_score, performance, points


@pytest.mark.parametrize(("per_cent", "given"), [
    (0, 1), (32.999, 1), (33, 2), (65.999, 2), (66, 3), (94.999, 3), (95, 4), (100, 4),
])
def test_a_class_begins_with_its_lower_edge(per_cent: float, given: int) -> None:
    assert points(per_cent) == given
    assert band(per_cent) == BANDS[given - 1]


@pytest.mark.parametrize(("value", "benchmark", "direction", "per_cent"), [
    (50, 100, "higher", 50), (120, 100, "higher", 100), (0, 100, "higher", 0),
    (10, 5, "lower", 50), (4, 5, "lower", 100), (0, 5, "lower", 100), (5, 0, "lower", 0),
    (3, 0, "higher", 100),
])
def test_performance_by_direction(
    value: float, benchmark: float, direction: str, per_cent: float
) -> None:
    assert performance(value, benchmark, direction) == per_cent  # type: ignore[arg-type]


def test_a_negative_value_has_no_ratio() -> None:
    with pytest.raises(ValueError, match="from 0 on"):
        performance(-1, 5, "lower")


def test_the_published_examples() -> None:
    first, second = category_score([1, 3, 4, 1]), category_score([3, 4, 2])
    assert first is not None
    assert second is not None
    assert (first.per_cent, first.band) == (56.25, "33-66")
    assert (second.per_cent, second.band, second.kpis) == (75.0, "66-95", 3)
    assert category_score([]) is None
    assert len(BANDS) == len(COLOURS) == 4
