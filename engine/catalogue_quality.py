"""Indicators of data quality beside the completeness of an hour: names, levels and rules."""

from engine.indicator import INF, OURS, Indicator, Level

FLAT_LEVELS = (Level("Moves", "#1A9850", 0), Level("Stuck", "#D73027", INF))
_OURS = "Cityvitals data quality"
_SPANS = "the limits are this project's; no standard has them"


def entries(completeness: tuple[Level, ...]) -> tuple[Indicator, ...]:
    """The entries in their stored order; `completeness`: the levels of a share of readings."""
    return (
        Indicator(
            "dq", "completeness_24h", "Completeness, 24 h", "%", 1, f"{_OURS} 5.4",
            "valid readings / expected readings", "the newest 24 hours, each at most what it owes",
            3600, 86_400, completeness, 2, "mean", "high", OURS,
        ),
        Indicator(
            "dq", "flat_line", "Series that seem stuck", "series", 0,
            f"{_OURS} 5.2 and 5.3, after QARTOD flat line",
            "range of the readings of the newest whole hours < tolerance",
            "hours and tolerance by quantity; every hour with two readings", 3600, 3 * 3600,
            FLAT_LEVELS, 1, "sum", "low", OURS, open_marks=(_SPANS,),
        ),
        Indicator(
            "dq", "completeness_30d", "Completeness, 30 d", "%", 1, f"{_OURS} 5.4",
            "valid readings / expected readings",
            "the newest 30 days in standard time, each at most what it owes",
            86_400, 30 * 86_400, completeness, 2, "mean", "high", OURS,
        ),
    )
