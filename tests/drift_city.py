"""Six sensors of a town that agree but for one, and their neighbours in another district."""

import random
from collections.abc import Iterator

from edge.places import PlaceRow
from tests.town import Reading, Town, at, row

START = at("2026-03-02 00:00")
HOUR, DAY = 3600, 86_400
LIAR = "d2"


def rows(period_s: float = 3600.0, **more: object) -> list[PlaceRow]:
    """d0 to d4 within 2 km in `centre`, d5 8 km away in `hills`."""
    told = [row(f"d{k}", f"centre/s{k}", period_s, lat=54.0 + k / 400, lon=12.0, **more)
            for k in range(5)]
    return [*told, row("d5", "hills/s5", period_s, lat=54.08, lon=12.0, **more)]


def level(hour: int) -> float:
    """What is in the air: goes up and down with the day."""
    return 10.0 + 8 * ((hour % 24) > 15) + 5 * ((hour % 24) < 6) + (hour // 24) % 3


def hours(first: int, last: int, since: int = 96, by: float = 9.0) -> Iterator[list[Reading]]:
    """Readings of each hour; from hour `since` on one sensor reads too much."""
    for hour in range(first, last):
        rng = random.Random(hour)
        yield [
            Reading(f"d{k}", "pm25", START + hour * HOUR + 10.0, round(
                level(hour) + rng.uniform(-0.4, 0.4)
                + (by if f"d{k}" == LIAR and hour >= since else 0), 1))
            for k in range(6)
        ]


def town(
    days: int, *, skip: frozenset[tuple[int, str]] = frozenset()
) -> tuple[Town, list[Reading]]:
    """A town that has lived for some days, and the readings (hour, device) that it did not get."""
    of, missed = Town(rows()), []
    of.keep("dq.drift")
    for hour, readings in enumerate(hours(0, 24 * days)):
        late = [one for one in readings if (hour, one.device) in skip]
        missed += late
        of.take(one for one in readings if one not in late)
        of.tick(START + (hour + 1) * HOUR + 61)
    return of, missed
