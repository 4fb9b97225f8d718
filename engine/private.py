"""Private places: what may leave the engine of stations such as a household's meter.

Nothing of a private station leaves by itself, and a group of them leaves only as part of a sum
or mean of an area, with at least `Registry.group_min` of them in it. Every point passes here:
`public` for stations, `groups` for areas. The rules and their limits: `docs/privacy.md`.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from engine.areas import WORST
from engine.family import Bools, Floats, Integers, Result
from engine.points import Points
from engine.registry import Registry

VALUE, COVERAGE, NUMBER = 0, 4, 5
"""Columns of the statistics that are of all who count."""


class Groups(NamedTuple):
    """Which members count in a district and in the city: bool[e, m, i] each.

    e windows, m members, i indicators, as in `engine.areas.area_stats`.
    """

    district: Bools
    city: Bools


def public(points: Points, registry: Registry) -> Points:
    """`points` without those of private stations."""
    if not registry.private or not len(points):
        return points
    hidden = np.fromiter(registry.private, np.int32, len(registry.private))
    return points.take(~np.isin(points.place, hidden))


def groups(
    present: Bools, values: Floats, weights: Floats, private: Bools, district: Integers,
    rules: Integers, least: int,
) -> Groups:
    """Which members may count in the areas of each window and indicator.

    present: bool[e, m, i]. values: float64[e, m, i], NaN insufficient. weights: float64[e, m].
    private: bool[m]. district: int64[m], place row. rules: int64[i]. least: private members that
    an area needs to count any of them.

    The private members of a district count if at least `least` of them have a value. The city
    is the sum of its districts, so those whom their district leaves out count in it only if
    they are `least` in all the districts together: the city less its districts must not tell.
    What picks the worst station picks among the public ones.
    """
    allowed = present & ~(private[:, None] & (rules == WORST))
    have = allowed & private[:, None] & ~np.isnan(values) & (weights > 0)[:, :, None]
    rows, code = np.unique(district, return_inverse=True)
    counts = np.zeros((len(rows), have.shape[0], have.shape[2]), np.int64)
    np.add.at(counts, code, have.transpose(1, 0, 2))
    told = counts >= least
    left_out = np.where(told, 0, counts).sum(axis=0)
    in_district = told[code].transpose(1, 0, 2)
    in_city = in_district | (left_out >= least)[:, None, :]
    open_ = ~private[:, None]
    return Groups(allowed & (open_ | in_district), allowed & (open_ | in_city))


class Areas(NamedTuple):
    """Areas of a family: rows of places, members as in `members_of_areas`, rules int64[i].

    `own`: areas of the family go by a rule of its own.
    """

    places: list[int]
    starts: Integers
    members: Integers
    rules: Integers
    own: bool

    def any(self, mask: Bools) -> Bools:
        """bool[e, a, i]: areas in which a member of `mask` (bool[e, m, i]) is."""
        found: Bools = np.logical_or.reduceat(mask[:, self.members], self.starts[:-1], axis=1)
        return found


def veil(
    registry: Registry, members: list[int], areas: Areas, result: Result, present: Bools,
    kind: str, stats_of: Callable[[Bools], Floats], said_of: Callable[[Bools], Bools],
) -> tuple[Floats, Bools]:
    """Statistics (float64[e, a, i, 7]) of areas and which are said (bool[e, a, i]).

    members: rows of places. present: bool[e, m, i]. stats_of, said_of: both of a mask like it.
    Value, coverage and number are of all who count; percentiles, largest and `over` of the
    public ones alone, since each is the number of one station. What counts private members is
    said once, when its window closes: two statements of one window would differ by those who
    came late. A rule of a family's own knows no groups: with private members it says nothing.
    """
    if registry.private.isdisjoint(members):
        return stats_of(present), said_of(present)
    private = np.array([place in registry.private for place in members], np.bool_)
    parents = [registry.parents(place) for place in members]
    counted = groups(
        present, np.where(result.n < 0, np.nan, result.value).reshape(present.shape),
        result.weight.reshape(present.shape[:2]), private,
        np.array([district for district, _ in parents], np.int64), areas.rules,
        registry.group_min,
    )
    cities = {city for _, city in parents}
    city = np.array([area in cities for area in areas.places], np.bool_)
    stats = stats_of(present & ~private[:, None])
    said = np.zeros(stats.shape[:3], np.bool_)
    grouped = np.zeros_like(said)
    for mask, those in ((counted.district, ~city), (counted.city, city)):
        every = stats_of(mask)
        for column in (VALUE, COVERAGE, NUMBER):
            stats[:, those, :, column] = every[:, those, :, column]
        said[:, those] = said_of(mask)[:, those]
        grouped[:, those] = areas.any(mask & private[:, None])[:, those]
    if kind == "restated":
        said &= ~grouped
    if kind == "open" or areas.own:
        said &= ~areas.any(present & private[:, None])
    return stats, said
