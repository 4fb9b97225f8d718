"""Roll-ups: from the stations of a district and of the city to one value by the area's rule."""

from typing import Any

import numba as nb
import numpy as np
import numpy.typing as npt

from edge.places import PlaceKey
from engine.kernel import kernel
from engine.travel_time import quantile

WORST, WEIGHTED, SUM = range(3)
RULES = {"worst": WORST, "vmt_weighted": WEIGHTED, "mean": WEIGHTED, "sum": SUM,
         "energy_weighted": WEIGHTED, "vht_weighted": WEIGHTED, "customer_weighted": WEIGHTED,
         "interruption_weighted": WEIGHTED, "system": WEIGHTED,
         "station_mean": WEIGHTED, "length_weighted": WEIGHTED,
         "coincident": SUM, "per_capita": SUM}
SUM_SHARE_MIN = 0.75
"""A sum over fewer of its stations than this is insufficient: it would look like a fall."""


@kernel(nb.void(
    nb.float64[:, :, ::1], nb.float64[:, :, ::1], nb.float64[:, ::1], nb.int8[:, :, ::1],
    nb.boolean[:, :, ::1],
    nb.int64[::1], nb.int64[::1], nb.int64[::1], nb.int64[::1], nb.float64[:, :, :, ::1],
))
def area_stats(
    values: Any, coverage: Any, weights: Any, levels: Any, present: Any, starts: Any,
    members: Any, rules: Any, over_level: Any, out: Any,
) -> None:
    """Statistics of areas over their members.

    values, coverage: float64[e, m, i] for e windows, m members, i indicators, NaN insufficient.
    weights: float64[e, m]. levels: int8[e, m, i]. present: bool[e, m, i], members that there
    were and that measure it; the others do not count. starts: int64[a + 1], members: int64[..]:
    the members of area a are members[starts[a]:starts[a + 1]]. rules, over_level: int64[i].
    out: float64[e, a, i, 7]: value, p50, p95, max (NaN if none), coverage, members with a
    value, members at or over `over_level`. Percentiles of type 7. Cost: e * i * members.
    """
    buffer = np.empty(members.shape[0])
    for e in range(values.shape[0]):
        for a in range(starts.shape[0] - 1):
            for i in range(values.shape[2]):
                size = 0
                count = 0
                over = 0
                total = 0.0
                weighted = 0.0
                weight = 0.0
                cover = 0.0
                for j in range(starts[a], starts[a + 1]):
                    m = members[j]
                    if not present[e, m, i]:
                        continue
                    size += 1
                    cover += coverage[e, m, i]
                    value = values[e, m, i]
                    if np.isnan(value):
                        continue
                    buffer[count] = value
                    count += 1
                    total += value
                    weighted += value * weights[e, m]
                    weight += weights[e, m]
                    if levels[e, m, i] >= over_level[i]:
                        over += 1
                out[e, a, i, :4] = np.nan
                out[e, a, i, 4] = cover / max(size, 1)
                out[e, a, i, 5] = count
                out[e, a, i, 6] = over
                if count == 0:
                    continue
                ordered = np.sort(buffer[:count])
                out[e, a, i, 1] = quantile(ordered, 0.5)
                out[e, a, i, 2] = quantile(ordered, 0.95)
                out[e, a, i, 3] = ordered[count - 1]
                if rules[i] == 0:
                    out[e, a, i, 0] = ordered[count - 1]
                elif rules[i] == 1:
                    out[e, a, i, 0] = weighted / weight if weight > 0.0 else np.nan
                elif count >= SUM_SHARE_MIN * size:
                    out[e, a, i, 0] = total


Integers = npt.NDArray[np.int64]


def members_of_areas(
    keys: list[PlaceKey], parents: list[tuple[int, int]]
) -> tuple[list[int], Integers, Integers]:
    """Areas of a family's members: (place row of each area, starts, members) for `area_stats`.

    `parents[k]` are the district and city rows of the place `keys[k]`. Members of an area are in
    the order of their names: the order in which they were first heard must not show in a sum.
    """
    groups: dict[int, list[int]] = {}
    for member in sorted(range(len(keys)), key=keys.__getitem__):
        for area in parents[member]:
            groups.setdefault(area, []).append(member)
    areas = sorted(groups)
    starts = np.zeros(len(areas) + 1, np.int64)
    starts[1:] = np.cumsum([len(groups[area]) for area in areas])
    flat = [member for area in areas for member in groups[area]]
    return areas, starts, np.array(flat, np.int64)
