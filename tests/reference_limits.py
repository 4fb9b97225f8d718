"""Limit values of the EU and ozone's season, slowly, a dictionary a station."""

import math
from datetime import date
from typing import Any

from tests.reference_air import NAN, highest_8h, mean_of_day, who_ratio


def limit_row(means: Any, hours: Any, factors: Any, limits: Any, out: Any) -> None:
    """PM10, SO2 by 18 hours; O3, CO by their largest 8-h mean; then hours above, hours there."""
    for station, count, row in zip(means, hours, out, strict=True):
        row[:4] = [
            mean_of_day(station[1], count), mean_of_day(station[4], count),
            highest_8h(station[2], count), highest_8h(station[3], count),
        ]
        for column, part in enumerate((5, 4, 2, 2)):
            there = [x for x in station[part][:count] if not math.isnan(x)]
            row[8 + column] = len(there)
            row[4 + column] = sum(who_ratio(x * factors[part], limits[column]) > 1 for x in there)


def _of(day: Any, kept: Any, member: int) -> dict[int, Any]:
    return {int(d): kept[member, column] for column, d in enumerate(day[member]) if d}


def limit_sums(
    day: Any, kept: Any, rows: Any, last: Any, since: Any, factors: Any, limits: Any, known: Any,
    above: Any,
) -> None:
    """Look each day up."""
    for k, (member, end, first) in enumerate(zip(rows, last, since, strict=True)):
        of = _of(day, kept, member)
        days = [of[d] for d in range(first, end + 1) if d in of]
        for part in range(4):
            values = [row[part] for row in days if not math.isnan(row[part])]
            known[k, part] = len(values)
            above[k, part] = sum(who_ratio(x * factors[part], limits[part]) > 1 for x in values)
        for part in range(4):
            above[k, 4 + part] = sum(row[4 + part] for row in days)
            known[k, 4 + part] = sum(row[8 + part] for row in days)


def season(day: Any, kept: Any, rows: Any, months: Any, out: Any, known: Any) -> None:
    """Every six months of the twelve, then the highest."""
    for k, (member, starts) in enumerate(zip(rows, months.tolist(), strict=True)):
        of = _of(day, kept, member)

        def values(first: int, end: int, of: dict[int, Any] = of) -> list[float]:
            found = [of[d][2] for d in range(first, end) if d in of]
            return [x for x in found if not math.isnan(x)]

        known[k] = len(values(starts[0], starts[12]))
        means = [
            math.fsum(x) / len(x)
            for first, end in zip(starts[:7], starts[6:], strict=True)
            if len(x := values(first, end)) >= 0.75 * (end - first)
        ]
        enough = known[k] >= 0.75 * (starts[12] - starts[0])
        out[k] = max(means) if means and enough else NAN


def months_of(day: int) -> list[int]:
    """First days of the twelve months before the month of the day after, and of that one."""
    found, (year, month) = [], date.fromordinal(day + 1).timetuple()[:2]
    for _ in range(13):
        found.append(date(year, month, 1).toordinal())
        year, month = (year, month - 1) if month > 1 else (year - 1, 12)
    return found[::-1]
